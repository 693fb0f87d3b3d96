"""What a curator tells of a model: what would come, and what was measured of one that is there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.memory.plan import Stage
from engine.memory.plan_table import PlanTable
from engine.memory.planner import Choice
from engine.memory.profile import Measurement
from engine.models.catalogue import Model
from engine.models.inspection import Inspection
from engine.settings import ModelSettings
from speech import spoken, translation


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCandidate:
    """A model that could be added, looked into before anything is downloaded.

    Attributes:
        name: What it would be called; not taken.
        settings: What is remembered of it.
        model: Its entry in the catalogue, completed by what is known of it.
        inspection: What it is made of.
        choice: The memory plan for its default size on this device.
        plan: The same in words.
        there: Whether all of its files are on disk.
        known_as: Name of a model in the catalogue that is made from the same; `None` if there is
            none.
    """

    name: str
    settings: ModelSettings
    model: Model
    inspection: Inspection
    choice: Choice
    plan: PlanTable
    there: bool
    known_as: str | None = None

    @property
    def download_bytes(self) -> int:
        """Bytes that still have to come."""
        return self.inspection.download_bytes

    @property
    def total_bytes(self) -> int:
        """Bytes of all of its files."""
        return self.inspection.total_bytes

    @property
    def licence(self) -> str | None:
        """Its terms in a line; `None` where nobody says."""
        if (known := self.model.licence) is not None:
            return f"{known.name}: {translation(known.note, spoken()) or known.note}"
        name, link = self.inspection.licence, self.inspection.licence_link
        return f"{name} ({link})" if name and link else name or link

    @property
    def gated(self) -> bool:
        """Whether the Hub wants its terms accepted first."""
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
        peak_bytes: The most that the device held at any stage; `None` where nobody counts, as on a
            CPU.
        seconds_per_step: Of the whole batch; `None` if no step was timed.
    """

    width: int
    height: int
    batch: int
    peak_bytes: int | None = None
    seconds_per_step: float | None = None


def measured_sizes(
    measured: Iterable[Measurement], seconds: Mapping[tuple[int, int, int], float]
) -> tuple[MeasuredSize, ...]:
    """What is known of each size and batch of a model, small pictures first.

    Args:
        measured: What the stages of its plans took.
        seconds: Of a step, by width, height (pixels) and pictures in it.
    """
    known = [one for one in measured if not one.failed]
    steps = {(x.width, x.height, x.batch) for x in known if x.stage is Stage.STEP}

    def peak(width: int, height: int, batch: int) -> int | None:
        counted = (
            one.peak_bytes
            for one in known
            if (one.stage is not Stage.STEP or one.batch == batch)
            and (not one.depends_on_size or (one.width, one.height) == (width, height))
        )
        return max(counted, default=None) if (width, height, batch) in steps else None

    return tuple(
        MeasuredSize(
            width=width,
            height=height,
            batch=batch,
            peak_bytes=peak(width, height, batch),
            seconds_per_step=seconds.get((width, height, batch)),
        )
        for width, height, batch in sorted(
            steps | seconds.keys(), key=lambda size: (size[0] * size[1], size)
        )
    )
