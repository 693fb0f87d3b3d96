"""What the model manager tells of a model: what adding it involves, and what was measured of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.memory.measurement import Measurement
from engine.memory.plan import Stage
from engine.memory.plan_table import PlanTable
from engine.memory.planner import Choice
from engine.models.inspection import Inspection
from engine.models.licences import checkpoint_licence_text, licence_text
from engine.models.model import Model
from engine.settings import ModelSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCandidate:
    """A model that could be added; nothing of it has been downloaded but some headers.

    Attributes:
        name: What it would be called; not taken.
        settings: What would be stored of it.
        model: Its entry in the catalogue.
        inspection: What it is made of.
        choice: The memory plan for its default size on this device.
        plan: The same in words.
        on_disk: Whether all of its files are on disk.
        same_as: Name of a model in the catalogue that is made from the same, if there is one.
        licence_warnings: Sentences about what its licence asks for and isn't done here.
    """

    name: str
    settings: ModelSettings
    model: Model
    inspection: Inspection
    choice: Choice
    plan: PlanTable
    on_disk: bool
    same_as: str | None = None
    licence_warnings: tuple[str, ...] = ()

    @property
    def download_bytes(self) -> int:
        """Bytes still to be downloaded."""
        return self.inspection.download_bytes

    @property
    def total_bytes(self) -> int:
        """Bytes of all of its files."""
        return self.inspection.total_bytes

    @property
    def licence(self) -> str | None:
        """Its licence and what it allows in a line; `None` if unknown."""
        line = licence_line(self.model)
        return line or licence_text(self.inspection.licence, self.inspection.licence_link)

    @property
    def gated(self) -> bool:
        """Whether its terms have to be accepted on the Hub first."""
        return self.model.gated or self.inspection.gated

    @property
    def fits(self) -> bool:
        """Whether it is expected to run here at its default size."""
        return self.choice.fits


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSize:
    """What was measured of a model at one size and batch.

    Attributes:
        width: Of a picture, pixels.
        height: Of a picture, pixels.
        batch: Pictures in a step.
        peak_bytes: The most that the device held at any stage; `None` if it doesn't count.
        seconds_per_step: Of the whole batch; `None` if no step was timed.
    """

    width: int
    height: int
    batch: int
    peak_bytes: int | None = None
    seconds_per_step: float | None = None


def licence_line(model: Model) -> str | None:
    """The licence that the table of checkpoints tells, and what it allows; `None` if unknown."""
    return checkpoint_licence_text(model.licence) if model.licence else None


def measured_sizes(measurements: Iterable[Measurement]) -> tuple[MeasuredSize, ...]:
    """What was measured of each size and batch of a model, small pictures first."""
    known = [one for one in measurements if not one.failed]
    steps = {
        (one.width, one.height, one.batch): one.seconds or None
        for one in known
        if one.stage is Stage.STEP
    }

    def peak(width: int, height: int, batch: int) -> int | None:
        counted = (
            one.peak_bytes
            for one in known
            if one.peak_bytes is not None
            and (one.stage is not Stage.STEP or one.batch == batch)
            and (one.width, one.height) in ((0, 0), (width, height))
        )
        return max(counted, default=None)

    return tuple(
        MeasuredSize(
            width=width,
            height=height,
            batch=batch,
            peak_bytes=peak(width, height, batch),
            seconds_per_step=steps[width, height, batch],
        )
        for width, height, batch in sorted(steps, key=lambda size: (size[0] * size[1], size))
    )
