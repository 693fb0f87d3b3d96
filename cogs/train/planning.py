"""What trainings would take here, found in the background: it takes seconds."""

from collections.abc import Awaitable, Callable, Iterator

from cogs.markdown import escaped_line, in_markdown
from cogs.messages.text import duration
from engine import AtelierError, Studio, Tasks, Training, TrainingPlan, human_size
from speech import say

Lines = tuple[str, ...]


class TrainingPlans:
    """The plans of trainings that collect pictures. They hardly depend on the pictures."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._tasks = Tasks()
        self._found: dict[int, TrainingPlan | AtelierError | None] = {}

    def lines(self, training: Training) -> Lines:
        """What a training would take, in the current language, as far as it is known."""
        found = self._found.get(training.id)
        if found is None:
            return ("🧮 " + say("I'm finding out what it would take."),)
        if isinstance(found, AtelierError):
            return (f"⚠️ {in_markdown(found.sentence)}",)
        return tuple(self._plan_lines(found, training))

    def find(self, training: Training, then: Callable[[], Awaitable[None]]) -> None:
        """Find out what a training would take, unless that was begun, and call `then`."""
        if training.id not in self._found:
            self._found[training.id] = None
            self._tasks.start(self._find(training, then), f"plan training {training.id}")

    def forget(self, training_id: int) -> None:
        """The training doesn't collect any more."""
        self._found.pop(training_id, None)

    async def close(self) -> None:
        """Find out nothing more."""
        await self._tasks.cancel()

    async def _find(self, training: Training, then: Callable[[], Awaitable[None]]) -> None:
        try:
            self._found[training.id] = await self._studio.trainings.plan(training.id)
        except AtelierError as error:
            self._found[training.id] = error
        except BaseException:
            self.forget(training.id)
            raise
        await then()

    def _plan_lines(self, plan: TrainingPlan, training: Training) -> Iterator[str]:
        parts = [
            say("about {time}", time=duration(plan.total_seconds))
            if plan.total_seconds is not None
            else say("time not known yet"),
            say(
                "{needed} of {usable} of memory",
                needed=human_size(plan.peak_bytes),
                usable=human_size(plan.usable_bytes),
            )
            if plan.needs
            else say("trained by a program of the owner's"),
            say("{size} on disk", size=human_size(plan.disk_bytes)),
        ]
        if training.model in self._studio.models:
            licence = self._studio.models[training.model].licence
            if licence is not None:
                parts.append(say("licence {name}", name=escaped_line(licence.name)))
        yield f"🧮 {' · '.join(parts)}"
        for measure in plan.measures:
            yield f"-# {in_markdown(measure)}"
        if plan.problem is not None:
            yield f"⚠️ {in_markdown(plan.problem)}"
