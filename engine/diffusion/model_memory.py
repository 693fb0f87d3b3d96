"""The plan of one loaded model: chosen, followed, and given up for the next rung."""

import logging
from collections.abc import Callable
from dataclasses import replace

from engine.diffusion.device import Device
from engine.jobs.request import Recipe
from engine.memory.fallback import largest_size_that_fits, next_plan
from engine.memory.plan import Plan, Stage
from engine.memory.plan_request import PlanRequest
from engine.memory.planner import choose
from engine.memory.profile import Measurement
from engine.memory.sizes import in_words
from engine.models.catalogue import Model

log = logging.getLogger(__name__)

WORTH_NOTING = 1.1
"""A measurement is kept when it differs by this factor from what is known."""


class ModelMemory:
    """What fits where, for one model on one device."""

    def __init__(
        self,
        model: Model,
        case: PlanRequest,
        device: Device,
        note: Callable[[Measurement], None],
    ) -> None:
        """Plan for the size of `case`.

        Args:
            model: Which model.
            case: What is to be run on what, to begin with.
            device: Where it runs.
            note: Told of each measurement worth keeping.
        """
        self._model = model
        self._device = device
        self._note = note
        self._case = case
        self._noted: dict[tuple[Stage, int, int, int], tuple[int, float]] = {}
        choice = choose(self._case)
        self.plan: Plan = choice.plan
        for note_for_owner in (*choice.notes, *([choice.problem] if choice.problem else [])):
            log.warning("%s: %s", model.name, note_for_owner)
        log.info("%s: %s", model.name, describe(choice.plan))

    @property
    def usable_bytes(self) -> int:
        """What the plan may take of the device."""
        return self._case.device.usable_bytes

    def consider(self, width: int, height: int, *, guided: bool) -> bool:
        """Plan for pictures of that size. Returns whether weights live otherwise now."""
        case = self._case
        wanted = replace(
            case,
            width=width,
            height=height,
            guided=guided,
            device=self._device.facts(self.plan.ram_bytes),
        )
        if (case.width, case.height, case.guided) == (width, height, guided):
            return False
        self._case = wanted
        return self._follow(choose(wanted).plan)

    def give_up(self, stage: Stage, rows: int) -> bool:
        """Take the next rung down after running out of memory with so many pictures at once.

        Returns whether there is one.
        """
        self.plan = replace(self.plan, batch=min(self.plan.batch, rows))
        size = self._case.width, self._case.height
        failed = self._measurement(self.plan, stage, None, 0.0, self.plan.batch, size)
        self._note(failed)
        self._case = replace(self._case, profile=self._case.profile.plus(failed))
        lower = next_plan(self._case, self.plan, stage)
        if lower is None:
            return False
        log.warning(
            "%s ran out of memory %s: going on with %s",
            self._model.name,
            _doing(stage),
            describe(lower),
        )
        self._follow(lower)
        return True

    def measured(self, stage: Stage, seconds: float, rows: int, recipe: Recipe) -> None:
        """Take in how a stage of the plan went, for `rows` pictures like the recipe's.

        Steps with guidance and without are not alike: those of the kind that was planned count.
        """
        peak = self._device.peak_bytes()
        if peak is None or (recipe.guidance_scale > 1) != self._case.guided:
            return
        key = (stage, recipe.width, recipe.height, rows)
        before = self._noted.get(key)
        if before and peak <= before[0] and before[1] / WORTH_NOTING < seconds:
            return
        least = seconds if before is None else min(seconds, before[1])
        self._noted[key] = (max(peak, before[0] if before else 0), least)
        size = recipe.width, recipe.height
        found = self._measurement(self.plan, stage, peak, least, rows, size)
        self._case = replace(self._case, profile=self._case.profile.plus(found))
        self._note(found)

    def what_would_fit(self) -> tuple[int, int] | None:
        """The largest size of the same proportions that some plan fits, pixels."""
        return largest_size_that_fits(self._case)

    def _follow(self, plan: Plan) -> bool:
        changed = plan.key != self.plan.key
        self.plan = plan
        return changed

    def _measurement(
        self,
        plan: Plan,
        stage: Stage,
        peak: int | None,
        seconds: float,
        rows: int,
        size: tuple[int, int],
    ) -> Measurement:
        return Measurement.of(
            plan,
            stage,
            model=self._model.name,
            device=self._case.device.name,
            width=size[0],
            height=size[1],
            batch=rows,
            usable_bytes=self.usable_bytes,
            peak_bytes=peak,
            seconds=seconds,
        )


def describe(plan: Plan) -> str:
    """A plan in a line for the log."""
    return (
        f"{plan.key}, {plan.batch} at once, about {in_words(plan.peak_bytes)} at its peak, "
        f"{plan.slowdown:.2f} times the time of all resident"
    )


def _doing(stage: Stage) -> str:
    return {
        Stage.LOAD: "while loading",
        Stage.ENCODE: "reading a prompt",
        Stage.STEP: "in a step",
        Stage.DECODE: "decoding",
    }[stage]
