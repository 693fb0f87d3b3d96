"""The models on the page: how each runs here, as far as that is known without the network."""

import asyncio
from dataclasses import dataclass

from cli.web.cached import Cached
from engine import AtelierError, MeasuredSize, PlanTable, Presence, Studio

PLANS_SECONDS = 300.0
"""For how long plans are good: they read the headers of files."""

MAX_MODELS = 50


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of a model on disk.

    Attributes:
        presence: How much of it is on disk.
        size: Bytes of that.
        plan: How it runs on the device; `None` if that can't be told.
        problem: Why not, in a sentence.
        measured: A size of which steps were timed, near that of the model.
    """

    presence: Presence
    size: int
    plan: PlanTable | None = None
    problem: str | None = None
    measured: MeasuredSize | None = None


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model.

    Attributes:
        name: What members choose.
        description: A line about it.
        size: Its default size, such as 512×512.
        is_default: Whether servers use it that haven't chosen.
        in_use: Whether it paints now.
        facts: What is known of it; `None` until it was looked at.
    """

    name: str
    description: str
    size: str
    is_default: bool
    in_use: bool
    facts: ModelFacts | None


class ModelRows:
    """Looks into the models in the background, one after the other."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._facts: Cached[dict[str, ModelFacts]] = Cached(self._look, PLANS_SECONDS, {})

    def rows(self) -> list[ModelRow]:
        """The models as far as they have been looked at; the default one first."""
        facts = self._facts.peek()
        models = self._studio.models
        used = {job.recipe.model for job, _ in self._studio.running()}
        rows = [
            ModelRow(
                model.name,
                model.description,
                f"{model.width}×{model.height}",
                model == models.default,
                model.name in used,
                facts.get(model.name),
            )
            for model in models
        ]
        return sorted(rows, key=lambda row: not row.is_default)[:MAX_MODELS]

    async def _look(self) -> dict[str, ModelFacts]:
        names = [model.name for model in self._studio.models][:MAX_MODELS]
        return {name: facts for name in names if (facts := await self._look_at(name))}

    async def _look_at(self, name: str) -> ModelFacts | None:
        """What is known of a model; `None` if it was removed meanwhile."""
        manager = self._studio.model_manager
        try:
            usage = await asyncio.to_thread(manager.disk_usage, name)
            if usage.presence is not Presence.COMPLETE:
                return ModelFacts(usage.presence, usage.size)
            measured = await manager.measured(name)
        except AtelierError:
            return None
        timed = [each for each in measured if each.seconds_per_step is not None]
        size = usage.presence, usage.size
        try:
            plan = await manager.plan(name)
        except AtelierError as error:
            return ModelFacts(*size, problem=error.sentence)
        model = self._studio.models[name]
        pixels = model.width * model.height

        def distance(size: MeasuredSize) -> tuple[int, int]:
            return abs(size.width * size.height - pixels), size.batch

        near = min(timed, key=distance, default=None)
        return ModelFacts(*size, plan=plan, problem=plan.problem, measured=near)
