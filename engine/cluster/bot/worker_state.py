"""A worker at a glance, for the bot's owner."""

from dataclasses import dataclass

from engine.devices.attached_device import DeviceState


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """A worker that is here, or was since the start.

    Attributes:
        name: The worker's name.
        pause: Why it is paused there, in a word or two; empty if it isn't.
        paused_here: Whether the bot's owner has paused it.
        cards: What its devices are called.
        program: Its version of the program.
        heard_at: When it was last heard of, in seconds since the epoch.
        devices: Its devices among all devices; none if it is gone.
        lacking: The names of the bot's models that it lacks.
    """

    name: str
    pause: str
    paused_here: bool
    cards: tuple[str, ...]
    program: str
    heard_at: float
    devices: tuple[DeviceState, ...]
    lacking: tuple[str, ...]

    @property
    def takes_jobs(self) -> bool:
        """Whether it is here and paused by nobody."""
        return any(each.accepts and not each.paused for each in self.devices)
