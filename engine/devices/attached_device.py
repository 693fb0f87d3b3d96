"""A device among those that one queue keeps busy, and what is shown of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from engine.devices.blame import BlameFile
from engine.devices.device_host import DeviceHost
from engine.jobs.job import Job
from engine.memory.device import DeviceMemory
from engine.memory.profiles import ProfileStore


def any_job(job: Job) -> bool:
    """Whether a device paints the job that paints whatever it's given: it does."""
    return True


def always() -> bool:
    """Whether a device asks for work that always does: it does."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedDevice:
    """A device to be attached to a `Dispatcher`.

    Attributes:
        name: Unique among the attached ones: `cuda:0`, or `attic/cuda:0` on another machine.
        host: Where its executor runs.
        batch_size: Pictures that it paints side by side.
        profiles: What was measured there, for times left and for the choice among devices.
        can_paint: Whether it has what a job needs: its model, LoRAs and networks. Asked often.
        accepts: Whether it asks for work now. When that or `can_paint` changes, the dispatcher is
            to be woken. Asked often.
        local: Whether it's this program's own: files are downloaded for it, and its memory can be
            lent.
        blame: Tells which jobs it was busy with when it died; without, all that it had.
    """

    name: str
    host: DeviceHost
    batch_size: int
    profiles: ProfileStore = field(default_factory=ProfileStore)
    can_paint: Callable[[Job], bool] = any_job
    accepts: Callable[[], bool] = always
    local: bool = False
    blame: BlameFile = field(default_factory=BlameFile)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """An attached device at a glance.

    Attributes:
        name: As it was attached.
        local: Whether it's this program's own.
        batch_size: Pictures that it paints side by side.
        model: The model in use, or used last.
        running: The jobs that it has.
        paused: Whether it's given no jobs for now.
        lent: Whether its memory is lent to something else.
        accepts: Whether it asks for work.
        pictures: Painted since it was attached.
        pictures_last_day: Painted in the last 24 hours of that.
        ignored: Reports about jobs that it didn't have, such as late or repeated ones.
        step_seconds: Of a step for one picture like those that it has painted last; `None` if that
            isn't measured.
        step_size: Width and height of such a picture.
        failure: Why it can't be used; jobs are given to it again once it's resumed.
        memory: How much of its memory was taken when it was last asked; `None` if it can't tell.
    """

    name: str
    local: bool
    batch_size: int
    model: str | None
    running: tuple[Job, ...]
    paused: bool
    lent: bool
    accepts: bool
    pictures: int
    pictures_last_day: int
    ignored: int
    step_seconds: float | None = None
    step_size: tuple[int, int] | None = None
    failure: str | None = None
    memory: DeviceMemory | None = None
