"""The memory plan of one loaded model: chosen, measured, and replaced when memory runs out."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from engine.diffusion.device import Device
from engine.diffusion.offload.usage import Usage
from engine.jobs.recipe import Recipe
from engine.memory.activations import size_at
from engine.memory.components import Component, Role
from engine.memory.fallback import largest_size_that_fits, next_plan
from engine.memory.measurement import Measurement
from engine.memory.pinning import taken_ram
from engine.memory.plan import Plan, Stage
from engine.memory.plan_request import PlanRequest
from engine.memory.planner import choose
from engine.memory.precision import Overflow
from engine.memory.profiles import ProfileStore
from engine.memory.recovery import QUIET_JOBS, higher_plan
from engine.models.model import Model
from engine.sizes import human_size

log = logging.getLogger(__name__)

STEADY_STEPS = 20
"""Steps of a batch of one size after which what it gains is taken as measured: the first ones warm
up."""

DURING = {
    Stage.LOAD: "while loading",
    Stage.ENCODE: "while encoding the prompt",
    Stage.STEP: "while denoising",
    Stage.DECODE: "while decoding",
}


class ModelMemory:
    """What fits where, for one model on one device.

    Attributes:
        plan: The current plan.
    """

    def __init__(
        self,
        model: Model,
        request: PlanRequest,
        device: Device,
        profiles: ProfileStore,
        on_measured: Callable[[Measurement], None],
        on_overflow: Callable[[Overflow], None] = lambda overflow: None,
    ) -> None:
        """Plan for the size of `request`.

        Args:
            model: Which model.
            request: What to plan for at first.
            device: Where it runs.
            profiles: Takes in measurements.
            on_measured: Called with each measurement worth saving.
            on_overflow: Called with each type in which the model overflowed.
        """
        self._model = model
        self._own = tuple(request.components)
        self._request = request
        self._device = device
        self._profiles = profiles
        self._on_measured = on_measured
        self._on_overflow = on_overflow
        self._unproven: list[Overflow] = []
        self._steps: Counter[tuple[str, int, int, int]] = Counter()
        self._quiet_jobs = 0
        self._patience = QUIET_JOBS
        self._before_trial: Plan | None = None
        choice = choose(request)
        self.plan: Plan = choice.plan
        for note in (*choice.notes, *([choice.problem] if choice.problem else [])):
            log.warning("%s: %s", model.name, note)
        log.info("%s: %s", model.name, plan_summary(choice.plan))

    @property
    def usable_bytes(self) -> int:
        """What the plan may take of the device."""
        return self._request.device.usable_bytes

    def plan_for(
        self,
        width: int,
        height: int,
        *,
        guided: bool,
        references: int,
        adapter_bytes: Mapping[str, int],
        parts: Sequence[Component] = (),
    ) -> bool:
        """Plan for pictures of that size; returns whether weights have to be placed differently.

        Args:
            width: Of a picture, pixels.
            height: Of a picture, pixels.
            guided: Whether pictures have a second, unconditional row.
            references: Reference pictures beside each.
            adapter_bytes: What LoRAs take, by component.
            parts: Components that were added since the model was loaded and are needed.
        """
        before = self._request
        asked = replace(before, components=(*self._own, *parts)).with_adapters(adapter_bytes)
        kind = width, height, guided, references
        same = (before.width, before.height, before.guided, before.references) == kind
        if same and asked.components == tuple(before.components):
            return False
        self._before_trial = None
        self._request = replace(
            asked,
            width=width,
            height=height,
            guided=guided,
            references=references,
            controlled=any(part.role is Role.CONTROL for part in parts),
            device=self._device.facts(taken_ram(self.plan)),
        )
        previous, self.plan = self.plan, choose(self._request).plan
        return self.plan.key != previous.key or self.plan.places.keys() != previous.places.keys()

    def try_higher(self) -> bool:
        """Switch to a faster plan that may fit after all, once enough was painted without trouble.

        Returns whether weights have to be placed differently.
        """
        if self._quiet_jobs < self._patience:
            return False
        self._quiet_jobs = 0
        facts = self._device.facts(taken_ram(self.plan))
        self._request = replace(self._request, device=facts)
        higher = higher_plan(self._request, self.plan)
        if higher is None:
            return False
        log.info("%s: trying a faster plan, %s", self._model.name, plan_summary(higher))
        self._before_trial, self.plan = self.plan, higher
        return self.plan.key != self._before_trial.key

    def count_painted(self) -> None:
        """Take in that a job was painted."""
        self._quiet_jobs += 1
        if self._before_trial is not None:
            self._before_trial = None
            log.info("%s: the faster plan fits", self._model.name)

    def fall_back(self, stage: Stage, batch: int) -> bool:
        """Switch to the next plan down, after memory ran out with `batch` pictures at `stage`.

        Returns whether there is one.
        """
        self._quiet_jobs = 0
        if stage is Stage.STEP:
            self.plan = replace(self.plan, batch=min(self.plan.batch, batch))
        size = self._request.size_at(stage)
        self._learn(self._measurement(stage, size, self.plan.batch, failed=True))
        if self._before_trial is not None:
            self.plan, self._before_trial = self._before_trial, None
            self._patience *= 2
            log.info("%s: the faster plan doesn't fit", self._model.name)
            return True
        lower = next_plan(self._request, self.plan, stage)
        if lower is None:
            return False
        log.warning(
            "%s ran out of memory %s; falling back to %s",
            self._model.name,
            DURING[stage],
            plan_summary(lower),
        )
        self.plan = lower
        return True

    def record(
        self,
        stage: Stage,
        seconds: float,
        batch: int,
        recipe: Recipe,
        usage: Usage | None = None,
    ) -> None:
        """Take in how a stage of the plan went, for `batch` pictures like the recipe's.

        Steps with guidance and without differ: only those of the planned kind count.
        """
        if (recipe.guidance_scale > 1) != self._request.guided:
            return
        controlled = recipe.control is not None
        size = size_at(stage, recipe.width, recipe.height, recipe.pictures_beside, controlled)
        if usage is not None or stage is Stage.STEP:
            self._learn(self._measurement(stage, size, batch, usage=usage, seconds=seconds))
        if stage is Stage.STEP:
            alike = (self.plan.key, *size, batch)
            self._steps[alike] += 1
            if self._steps[alike] % STEADY_STEPS == 0:
                self._narrow_batch()

    def record_load(self, seconds: float) -> None:
        """Take in how long loading took."""
        size = self._request.size_at(Stage.LOAD)
        self._learn(self._measurement(Stage.LOAD, size, 1, seconds=seconds))

    def widen(self, stage: Stage) -> bool:
        """Compute in a wider type from now on, after the model overflowed at `stage`.

        Returns whether there is one. `confirm` or `narrow` says whether it helped.
        """
        before = self._request
        overflow = Overflow(self._model.name, before.device.name, stage, self.plan.dtype)
        wider = replace(before, profile=before.profile.with_overflow(overflow))
        if (wider.dtype, wider.vae_float32) == (before.dtype, before.vae_float32):
            return False
        self._unproven.append(overflow)
        self._request, self.plan = wider, choose(wider).plan
        log.warning(
            "%s overflowed %s in %s, which paints black; painting again in %s",
            self._model.name,
            DURING[stage],
            overflow.dtype,
            self.plan.dtype_of(stage),
        )
        return True

    def confirm(self) -> None:
        """Remember what overflowed: in the wider type a picture was painted."""
        for overflow in self._unproven:
            log.warning(
                "%s is painted in %s on %s from now on",
                self._model.name,
                self.plan.dtype_of(overflow.stage),
                overflow.device,
            )
            self._profiles.take_overflow(overflow)
            self._on_overflow(overflow)
        self._unproven.clear()

    def narrow(self) -> bool:
        """Compute as before: the wider types didn't help. Returns whether that changes the plan."""
        if not self._unproven:
            return False
        profile = self._request.profile
        kept = replace(profile, overflows=profile.overflows.difference(self._unproven))
        self._unproven.clear()
        self._request = replace(self._request, profile=kept)
        self.plan = choose(self._request).plan
        return True

    def largest_size_that_fits(self) -> tuple[int, int] | None:
        """The largest size of the same proportions that some plan fits, pixels."""
        return largest_size_that_fits(self._request)

    def _narrow_batch(self) -> None:
        """Keep to the batches that are worth their latency, as far as that is measured."""
        size, plan = self._request.size_at(Stage.STEP), self.plan
        # As it is now: what the request knows was worth saving.
        profile = self._profiles.profile(self._model.name, self._request.device.name)
        best = profile.best_batch(plan.key, *size, plan.batch)
        if best < plan.batch:
            log.info("%s: batches of up to %d, which are hardly slower", self._model.name, best)
            self.plan = replace(plan, batch=best)

    def _learn(self, measurement: Measurement) -> None:
        if (learned := self._profiles.learn(measurement)) is None:
            return
        if learned.peak_bytes is not None:
            self._request = replace(self._request, profile=self._request.profile.plus(learned))
        self._on_measured(learned)

    def _measurement(
        self,
        stage: Stage,
        size: tuple[int, int],
        batch: int,
        *,
        usage: Usage | None = None,
        seconds: float = 0.0,
        failed: bool = False,
    ) -> Measurement:
        return Measurement.of(
            self.plan,
            stage,
            model=self._model.name,
            device=self._request.device.name,
            width=size[0],
            height=size[1],
            batch=batch,
            usable_bytes=self.usable_bytes,
            peak_bytes=None if usage is None else usage.peak_bytes,
            weight_bytes=None if usage is None else usage.weight_bytes,
            seconds=seconds,
            failed=failed,
        )


def plan_summary(plan: Plan) -> str:
    """A plan in a line for the log."""
    return (
        f"{plan.key}, batches of up to {plan.batch}, a peak of about "
        f"{human_size(plan.peak_bytes)}, {plan.slowdown:.2f} × the time of all resident"
    )
