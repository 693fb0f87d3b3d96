"""The memory plan of a training: the fastest way that fits, and what it takes."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

from engine.memory.components import Role
from engine.memory.device import DeviceFacts
from engine.memory.plan import Quantization
from engine.memory.quantization import can_quantize, why_unsupported
from engine.models.inspection import Inspection
from engine.models.model import Model
from engine.sizes import human_size
from engine.training.defaults import defaults_of
from engine.training.footprint import Footprint
from engine.training.needs import TrainingNeeds, needs_of, seconds_of
from engine.training.request import Optimizer, TrainingRequest
from speech import say

SIDES = (768, 512)
"""Sides to go down to, pixels."""

LEAST_SHARE = 2
"""No side is less than one part in so many of what is usual for the model."""

Change = Mapping[str, Any]
Count = Callable[[TrainingRequest], Footprint]
"""Counts what a step of one picture takes, by side, rank and checkpointing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """How a LoRA is trained on a device, and what that takes.

    Attributes:
        request: What is to be trained, with what was chosen.
        needs: Bytes on the device, in RAM and on the disk; `None` for an outside trainer.
        usable_bytes: What the device has to give.
        measures: What was chosen so that it fits, what it saves and costs, in sentences.
        picture_bytes: Of the pictures' files, which are copied.
        step_seconds: Of a step; `None` if the model was never measured here.
        total_seconds: Of all steps, samples included; `None` with `step_seconds`.
        problem: Why it won't run; `None` if it fits.
    """

    request: TrainingRequest
    needs: TrainingNeeds | None
    usable_bytes: int = 0
    measures: tuple[str, ...] = ()
    picture_bytes: int = 0
    step_seconds: float | None = None
    total_seconds: float | None = None
    problem: str | None = None

    @property
    def fits(self) -> bool:
        """Whether it will run, as far as one can tell."""
        return self.problem is None

    @property
    def peak_bytes(self) -> int:
        """The most on the device, as far as that's known."""
        return self.needs.peak if self.needs else 0

    @property
    def disk_bytes(self) -> int:
        """What its folder takes in the end."""
        return (self.needs.disk if self.needs else 0) + self.picture_bytes


def plan_training(
    request: TrainingRequest,
    model: Model,
    inspection: Inspection,
    device: DeviceFacts,
    count: Count,
    *,
    fixed: Collection[str] = (),
    picture_bytes: int = 0,
    measured: Mapping[tuple[int, int, int], float] | None = None,
) -> TrainingPlan:
    """The fastest way to train that fits, or the one that takes least.

    Args:
        request: What is to be trained, as it is usual or as it was asked for.
        model: What it is trained on.
        inspection: What that is made of.
        device: Where.
        count: Asked for the ways that are looked at.
        fixed: Fields of the request that stay as they are.
        picture_bytes: Of the pictures' files.
        measured: Seconds of a step of painting, as `ProfileStore.step_seconds` has them.
    """
    counted = cache(lambda side, checkpointing: count(_single(request, side, checkpointing)))

    def needs(changes: Collection[Change]) -> TrainingNeeds:
        changed = _changed(request, changes)
        footprint = counted(changed.side, changed.checkpointing)
        return needs_of(changed, model, inspection, device, footprint)

    def fits(changes: Collection[Change]) -> bool:
        found = needs(changes)
        return found.peak <= device.usable_bytes and found.ram <= device.ram_free_bytes

    ladder = list(_ladder(request, model, inspection, device, fixed))
    chosen = next((ladder[:rung] for rung in range(len(ladder) + 1) if fits(ladder[:rung])), ladder)
    if fits(chosen):
        chosen = _without_needless(chosen, fits)
    final, taken = _changed(request, chosen), needs(chosen)
    step, total = seconds_of(final, model, inspection.family or "", measured or {}) or (None, None)
    return TrainingPlan(
        request=final,
        needs=taken,
        usable_bytes=device.usable_bytes,
        measures=tuple(
            _in_words(
                _changed(request, chosen[:number]),
                _changed(request, chosen[: number + 1]),
                before.step.total - after.step.total,
            )
            for number, (before, after) in enumerate(
                pairwise(needs(chosen[:number]) for number in range(len(chosen) + 1))
            )
        ),
        picture_bytes=picture_bytes,
        step_seconds=step,
        total_seconds=total,
        problem=None if fits(chosen) else _problem(final, taken, device),
    )


def _single(request: TrainingRequest, side: int, checkpointing: bool) -> TrainingRequest:
    return replace(request, side=side, checkpointing=checkpointing, batch=1)


def _changed(request: TrainingRequest, changes: Collection[Change]) -> TrainingRequest:
    for change in changes:
        request = replace(request, **change)
    return request


def _ladder(
    request: TrainingRequest,
    model: Model,
    inspection: Inspection,
    device: DeviceFacts,
    fixed: Collection[str],
) -> Iterator[Change]:
    """What can be done to need less, in the order in which it's tried."""
    library = why_unsupported(Quantization.NF4, device) is None
    if not request.checkpointing:
        yield from _allowed({"checkpointing": True}, fixed)
    if library and request.optimizer is Optimizer.ADAMW:
        yield from _allowed({"optimizer": Optimizer.ADAMW8}, fixed)
    denoisers = (part for part in inspection.components if part.role is Role.DENOISER)
    if library and not request.quantize and all(map(can_quantize, denoisers)):
        yield from _allowed({"quantize": True}, fixed)
    if request.batch > 1:
        calls = request.batch * request.accumulate
        yield from _allowed({"batch": 1, "accumulate": calls}, fixed)
    least = defaults_of(model).side / LEAST_SHARE
    for side in SIDES:
        if least <= side < request.side:
            yield from _allowed({"side": side}, fixed)


def _allowed(change: Change, fixed: Collection[str]) -> Iterator[Change]:
    if not any(name in fixed for name in change):
        yield change


def _without_needless(
    chosen: list[Change], fits: Callable[[Collection[Change]], bool]
) -> list[Change]:
    """Only what has to be: later changes may have made earlier ones needless."""
    costly = ("quantize", "checkpointing", "batch", "optimizer")
    for name in costly:
        fewer = [change for change in chosen if name not in change]
        if len(fewer) < len(chosen) and fits(fewer):
            chosen = fewer
    return chosen


def _in_words(before: TrainingRequest, after: TrainingRequest, saved: int) -> str:
    """One measure in a sentence."""
    size = human_size(max(0, saved))
    if after.checkpointing != before.checkpointing:
        return say("Checkpoints activations: saves {size}, takes a third longer.", size=size)
    if after.optimizer != before.optimizer:
        return say("Uses an 8-bit optimizer: saves {size}.", size=size)
    if after.quantize != before.quantize:
        return say(
            "Keeps the model in 4 bits: saves {size}, takes a fifth longer, and what it learns is "
            "a little less exact.",
            size=size,
        )
    if after.batch != before.batch:
        return say("Shows the pictures of a step one by one: saves {size}.", size=size)
    return say(
        "Trains at {side} × {side}: saves {size}, and fine details are lost.",
        side=after.side,
        size=size,
    )


def _problem(request: TrainingRequest, needs: TrainingNeeds, device: DeviceFacts) -> str:
    if needs.peak > device.usable_bytes:
        return say(
            "Training on {model} takes {needed} at least, and {device} has {free} free. Choose a "
            "smaller model.",
            model=request.model,
            needed=human_size(needs.peak),
            device=device.name,
            free=human_size(device.usable_bytes),
        )
    return say(
        "Training on {model} takes {needed} of RAM at least, and {free} are free. Choose a "
        "smaller model.",
        model=request.model,
        needed=human_size(needs.ram),
        free=human_size(device.ram_free_bytes),
    )
