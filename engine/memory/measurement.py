"""One measurement: what a stage of a memory plan took, in bytes and seconds."""

from dataclasses import dataclass, replace
from typing import Self

from engine.memory.plan import Plan, Stage

WorkingKey = tuple[Stage, str, int, int, int, int]
"""Stage, dtype, tile, width, height, batch; 0 (batch: 1) for what doesn't matter at the stage.
The sizes of a stage are those of `activations.size_at`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One stage of one plan as it was measured; flat, one row of a table.

    Attributes:
        model: The model's name.
        device: The device's name.
        plan_key: The plan, without its batch.
        stage: What was measured.
        dtype: What was computed in.
        tile_side: Pixels a side of the VAE's tiles; 0 without.
        width: As `activations.size_at` has it, pixels; 0 if the picture doesn't matter.
        height: The same.
        batch: Pictures in the step; 1 at other stages.
        weight_bytes: Weights on the device during the stage.
        peak_bytes: Measured peak; of a failure the expected one, so less than is needed. `None` on
            a device that doesn't count, such as a CPU.
        usable_bytes: What the device had to give.
        seconds: Of one step (a moving average), or of the stage; 0 for a failure.
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
    peak_bytes: int | None
    usable_bytes: int
    seconds: float = 0.0
    failed: bool = False

    @property
    def key(self) -> tuple[str | int, ...]:
        """What was measured; a newer measurement of the same replaces an older one."""
        what = (self.model, self.device, self.plan_key, self.stage, self.failed)
        return (*what, self.width, self.height, self.batch)

    @property
    def disproved_key(self) -> tuple[str | int, ...] | None:
        """The key of the failure that this disproves; `None` for a failure."""
        return None if self.failed else replace(self, failed=True).key

    @property
    def working_key(self) -> WorkingKey:
        """What the working memory of the stage depends on."""
        return working_key(
            self.stage, self.dtype, self.tile_side, self.width, self.height, self.batch
        )

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
        weight_bytes: int | None = None,
        seconds: float = 0.0,
        failed: bool = False,
    ) -> Self:
        """What running `stage` of `plan` took, or that it ran out of memory.

        Weights that weren't counted are as planned.
        """
        return cls(
            model=model,
            device=device,
            plan_key=plan.key,
            stage=stage,
            dtype=plan.dtype_of(stage),
            tile_side=plan.tile_side,
            width=width,
            height=height,
            batch=batch if stage is Stage.STEP else 1,
            weight_bytes=plan.weights[stage] if weight_bytes is None else weight_bytes,
            peak_bytes=plan.peaks[stage] if failed else peak_bytes,
            usable_bytes=usable_bytes,
            seconds=seconds,
            failed=failed,
        )


def working_key(
    stage: Stage, dtype: str, tile_side: int, width: int, height: int, batch: int
) -> WorkingKey:
    """What working memory depends on, in one value."""
    return (
        stage,
        dtype,
        tile_side if stage is Stage.DECODE else 0,
        width,
        height,
        batch if stage is Stage.STEP else 1,
    )
