"""What was measured replaces what was estimated: memory for plans, seconds for waiting times.

What a stage takes besides weights doesn't depend on where the weights live. So one measurement of
a plan gives the working memory of all plans of that model, size and batch: the measured peak less
the weights that its plan had on the device.
"""

import math
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar

from engine.memory.measurement import Measurement, WorkingKey, working_key
from engine.memory.plan import Plan, Stage
from engine.memory.precision import Overflow

MIN_GAIN = 1.1
"""A batch of twice the size must paint at least so many times the pictures per second."""

SMOOTHING = 0.2
"""Weight of a new step in the moving average of step times."""

WORTH_SAVING = 1.05
"""A measurement is saved when its seconds have changed by this factor, or its peak has grown. It is
well below `MIN_GAIN`, which saved seconds are compared by."""

Size = tuple[int, int, int]
"""Width and height of a picture, pixels, and pictures in a step."""

T = TypeVar("T")

SizeAt = Callable[[Stage], tuple[int, int]]
"""From a stage to width and height, pixels: `PlanRequest.size_at`."""


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """The measurements of one model on one device, and what overflowed there."""

    measurements: tuple[Measurement, ...] = ()
    overflows: frozenset[Overflow] = frozenset()
    _working: dict[WorkingKey, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[WorkingKey, int] = {}
        for m in self.measurements:
            if m.peak_bytes is not None and not m.failed:
                working = max(0, m.peak_bytes - m.weight_bytes)
                found[m.working_key] = max(working, found.get(m.working_key, 0))
        object.__setattr__(self, "_working", found)

    @classmethod
    def select(cls, rows: Iterable[Measurement], *, model: str, device: str) -> Self:
        """The measurements of `model` on `device` that say something about memory."""
        return cls(
            tuple(
                row
                for row in rows
                if (row.model, row.device) == (model, device) and row.peak_bytes is not None
            )
        )

    def plus(self, *more: Measurement) -> "ModelProfile":
        """This profile with `more` measurements, in the place of older ones of the same."""
        latest = {measurement.key: measurement for measurement in (*self.measurements, *more)}
        for measurement in more:
            latest.pop(measurement.disproved_key or (), None)
        return replace(self, measurements=tuple(latest.values()))

    def with_overflow(self, overflow: Overflow) -> "ModelProfile":
        """This profile with one more overflow."""
        return replace(self, overflows=self.overflows | {overflow})

    def overflowed(self, stage: Stage) -> frozenset[str]:
        """The types in which the latents (`STEP`) or only the VAE (`DECODE`) overflowed."""
        return frozenset(one.dtype for one in self.overflows if one.stage is stage)

    def working(
        self, stage: Stage, dtype: str, tile_side: int, width: int, height: int, batch: int
    ) -> int | None:
        """Measured bytes besides weights; `None` if never measured."""
        return self._working.get(working_key(stage, dtype, tile_side, width, height, batch))

    def failure(self, plan: Plan, size_at: SizeAt, usable: int) -> Measurement | None:
        """A failure that `plan` would repeat.

        It would if it expects as much at the stage that failed, for as large and as many pictures,
        and the device has hardly more to give than it had then; unless it has worked itself.

        Args:
            plan: The plan.
            size_at: From a stage to the size of the pictures there, as they are measured.
            usable: What the device has to give, bytes.
        """
        proven = {
            m.stage
            for m in self.measurements
            if (m.plan_key, m.failed) == (plan.key, False)
            and m.width * m.height >= math.prod(size_at(m.stage))
            and (m.stage is not Stage.STEP or m.batch >= plan.batch)
        }
        for m in self.measurements:
            if (
                m.failed
                and math.prod(size_at(m.stage)) >= m.width * m.height
                and (m.plan_key == plan.key or m.stage not in proven)
                and usable <= 1.05 * m.usable_bytes
                and plan.peaks[m.stage] >= (m.peak_bytes or 0)
                and (m.stage is not Stage.STEP or plan.batch >= m.batch)
            ):
                return m
        return None

    def best_batch(self, plan_key: str, width: int, height: int, wanted: int) -> int:
        """The largest batch up to `wanted` that measurements don't advise against.

        A measured batch that gains less over smaller ones isn't worth its latency: `MIN_GAIN` for
        twice the size, for others the power that belongs to it. One that is larger than all that
        were measured may be tried if the largest of those is the best.
        """
        seconds = {
            m.batch: m.seconds
            for m in self.measurements
            if (m.plan_key, m.stage, m.width, m.height) == (plan_key, Stage.STEP, width, height)
            and m.seconds
        }
        best, speed, largest = wanted, 0.0, 0
        for largest in sorted(batch for batch in seconds if batch <= wanted):
            faster = largest / seconds[largest]
            if not speed or faster >= speed * MIN_GAIN ** math.log2(largest / best):
                best, speed = largest, faster
        return best if best < largest else wanted


class ProfileStore:
    """The latest measurement of each stage, per model, device, plan, size and batch.

    The device's thread adds to it while the event loop reads: each access is one operation of a
    dict, so nothing is locked.

    Attributes:
        version: A number that changes with what is known.
    """

    def __init__(
        self, known: Iterable[Measurement] = (), overflows: Iterable[Overflow] = ()
    ) -> None:
        """Take what was measured before, the latest last, and what overflowed."""
        self._entries: dict[object, Measurement] = {}
        self._saved: dict[object, Measurement] = {}
        self._measured_once: set[object] = set()
        self._step_seconds: dict[str, dict[str, dict[Size, float]]] = {}
        self._load_seconds: dict[str, dict[str, float]] = {}
        self._device: str | None = None
        self.version = 0
        self._overflows = dict.fromkeys(overflows)
        for measurement in known:
            self._put(measurement)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Measurement]:
        """All measurements as they are now."""
        return iter(list(self._entries.values()))

    def learn(self, new: Measurement) -> Measurement | None:
        """Take in a measurement; returns what is now known of the same, if it's worth saving.

        Peaks are the largest since the program started. The seconds of a step are a moving average.
        """
        key = new.key
        before, saved = self._entries.get(key), self._saved.get(key)
        if saved is not None and saved.peak_bytes and new.peak_bytes and not new.failed:
            new = replace(new, peak_bytes=max(new.peak_bytes, saved.peak_bytes))
        if before is not None and before.seconds and new.stage is Stage.STEP:
            new = replace(new, seconds=self._average(before, new.seconds))
        elif before is None:
            self._measured_once.add(key)
        self.settle(new.device)
        self._put(new)
        if saved is not None and not _worth_saving(new, saved):
            return None
        self._saved[key] = new
        return new

    def profile(self, model: str, device: str) -> ModelProfile:
        """What is known of the memory of `model` on `device`, and what overflowed there."""
        overflows = frozenset(
            one for one in list(self._overflows) if (one.model, one.device) == (model, device)
        )
        return replace(ModelProfile.select(self, model=model, device=device), overflows=overflows)

    def take_overflow(self, overflow: Overflow) -> None:
        """Take in what overflowed."""
        self.settle(overflow.device)
        self._overflows[overflow] = None

    def take(self, known: Measurement) -> None:
        """Take in what another store of the same has learned and found worth saving."""
        self.settle(known.device)
        self._put(known)
        self._saved[known.key] = known

    def settle(self, device: str) -> None:
        """It's known now which device is measured here: the seconds of others don't count."""
        if device != self._device:
            self._device = device
            self.version += 1

    def _average(self, before: Measurement, seconds: float) -> float:
        if before.key in self._measured_once:
            self._measured_once.discard(before.key)
            if seconds < before.seconds:  # the first step includes warming up
                return seconds
        # One slow step (a hiccup, a first compilation) must not spoil the average.
        return before.seconds + SMOOTHING * (min(seconds, 4 * before.seconds) - before.seconds)

    def forget(self, model: str) -> None:
        """Forget what was measured of a model."""
        for entries in (self._entries, self._saved):
            for key in [key for key, one in list(entries.items()) if one.model == model]:
                entries.pop(key, None)
        for overflow in [one for one in list(self._overflows) if one.model == model]:
            self._overflows.pop(overflow, None)
        self._step_seconds.pop(model, None)
        self._load_seconds.pop(model, None)
        self.version += 1

    def step_seconds(self, model: str) -> dict[Size, float]:
        """Seconds per step of a model, under the plan that ran last.

        Until something is measured here, those of all devices count.
        """
        return dict(ChainMap(*reversed(self._here(self._step_seconds.get(model, {})))))

    def load_seconds(self, model: str) -> float | None:
        """Seconds that loading a model took last; `None` if never measured."""
        [*_, last] = None, *self._here(self._load_seconds.get(model, {}))
        return last

    def _here(self, by_device: dict[str, T]) -> list[T]:
        """What is known of this device, or of any if nothing was measured here yet."""
        if self._device is None:
            return list(by_device.values())
        return [by_device[self._device]] if self._device in by_device else []

    def _put(self, one: Measurement) -> None:
        self._entries[one.key] = one
        for entries in (self._entries, self._saved):
            entries.pop(one.disproved_key, None)
        if one.seconds and one.stage is Stage.STEP:
            devices = self._step_seconds.setdefault(one.model, {})
            sizes = devices.setdefault(one.device, {})
            sizes[one.width, one.height, one.batch] = one.seconds
        elif one.seconds and one.stage is Stage.LOAD:
            self._load_seconds.setdefault(one.model, {})[one.device] = one.seconds
        self.version += 1


def _worth_saving(new: Measurement, saved: Measurement) -> bool:
    if new.failed or new.stage is Stage.LOAD or (new.peak_bytes or 0) > (saved.peak_bytes or 0):
        return True
    ratio = new.seconds / saved.seconds if saved.seconds else WORTH_SAVING
    return not 1 / WORTH_SAVING < ratio < WORTH_SAVING
