"""What was measured takes the place of what was estimated.

What a stage takes besides weights does not depend on where the weights live. So one measurement of
a plan says the working memory of all plans of that model, size and batch: what was measured less
the weights that its plan had on the device.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from engine.memory.plan import Plan, Stage

SIZED = (Stage.STEP, Stage.DECODE)
"""The stages to which the size of a picture matters."""

GAIN = 1.1
"""A larger batch must paint at least so many times the pictures per second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One stage of one plan, as it went; flat, one row of a table.

    Attributes:
        model: The model's name.
        device: The device's name.
        plan_key: The plan, without its batch.
        stage: What was measured.
        dtype: What was computed in.
        tile_side: Pixels a side of the VAE's tiles; 0 without.
        width: Of a picture, pixels.
        height: Of a picture, pixels.
        batch: Pictures in the step.
        weight_bytes: What the plan says of weights on the device during the stage.
        peak_bytes: Measured peak; of a failure what was expected, so less than is needed.
        usable_bytes: What the device had to give.
        seconds: Of one step, or of the stage; 0 for a failure.
        failed: Whether the device ran out of memory.
    """

    model: str
    device: str
    plan_key: str
    stage: Stage
    dtype: str
    tile_side: int
    width: int
    height: int
    batch: int
    weight_bytes: int
    peak_bytes: int
    usable_bytes: int
    seconds: float = 0.0
    failed: bool = False

    @property
    def depends_on_size(self) -> bool:
        """Whether the size of the picture matters to the stage."""
        return self.stage in SIZED

    @classmethod
    def of(
        cls,
        plan: Plan,
        stage: Stage,
        *,
        model: str,
        device: str,
        width: int,
        height: int,
        batch: int,
        usable_bytes: int,
        peak_bytes: int | None = None,
        seconds: float = 0.0,
    ) -> Self:
        """What running `stage` of `plan` took; without `peak_bytes` it ran out of memory."""
        return cls(
            model=model,
            device=device,
            plan_key=plan.key,
            stage=stage,
            dtype=plan.dtype,
            tile_side=plan.tile_side,
            width=width,
            height=height,
            batch=batch,
            weight_bytes=plan.weights[stage],
            peak_bytes=plan.peaks[stage] if peak_bytes is None else peak_bytes,
            usable_bytes=usable_bytes,
            seconds=seconds,
            failed=peak_bytes is None,
        )


Key = tuple[Stage, str, int, int, int, int]
"""What working memory depends on: stage, dtype, tile, width, height, batch."""


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """The measurements of one model on one device."""

    measurements: tuple[Measurement, ...] = ()
    _working: dict[Key, int] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for m in self.measurements:
            if not m.failed:
                key = _key(m.stage, m.dtype, m.tile_side, m.width, m.height, m.batch)
                working = max(0, m.peak_bytes - m.weight_bytes)
                self._working[key] = max(working, self._working.get(key, 0))

    @classmethod
    def select(cls, rows: Iterable[Measurement], *, model: str, device: str) -> Self:
        """Those of `rows` that are of `model` on `device`."""
        return cls(tuple(row for row in rows if (row.model, row.device) == (model, device)))

    def plus(self, *more: Measurement) -> "ModelProfile":
        """These and `more`."""
        return ModelProfile((*self.measurements, *more))

    def working(
        self, stage: Stage, dtype: str, tile_side: int, width: int, height: int, batch: int
    ) -> int | None:
        """Measured bytes besides weights; `None` when nobody measured."""
        return self._working.get(_key(stage, dtype, tile_side, width, height, batch))

    def failure(self, plan: Plan, width: int, height: int, usable: int) -> Measurement | None:
        """A failure that `plan` would repeat.

        It would when it expects as much at the stage that failed, for as large and as many
        pictures, and the device has hardly more to give than it had then.
        """
        for m in self.measurements:
            larger = not m.depends_on_size or width * height >= m.width * m.height
            if (
                m.failed
                and larger
                and usable <= 1.05 * m.usable_bytes
                and plan.peaks[m.stage] >= m.peak_bytes
                and (m.stage is not Stage.STEP or plan.batch >= m.batch)
            ):
                return m
        return None

    def best_batch(self, plan_key: str, width: int, height: int, wanted: int) -> int:
        """The largest batch up to `wanted` that measurements do not advise against.

        A measured batch with less than `GAIN` times the pictures per second of the best smaller
        one is not worth its latency, nor is a larger one; an unmeasured one may be tried.
        """
        seconds = {
            m.batch: m.seconds
            for m in self.measurements
            if (m.plan_key, m.stage, m.width, m.height) == (plan_key, Stage.STEP, width, height)
            and m.seconds
        }
        best, speed = wanted, 0.0
        for batch in sorted(b for b in seconds if b <= wanted):
            if speed and batch / seconds[batch] < GAIN * speed:
                return best
            best, speed = batch, batch / seconds[batch]
        return wanted


def _key(stage: Stage, dtype: str, tile_side: int, width: int, height: int, batch: int) -> Key:
    """The key, without what does not matter at `stage`."""
    return (
        stage,
        dtype,
        tile_side if stage is Stage.DECODE else 0,
        *((width, height) if stage in SIZED else (0, 0)),
        batch if stage is Stage.STEP else 1,
    )
