"""A service as the system's manager has it: its file, and the commands that put it to work."""

from dataclasses import dataclass
from pathlib import Path

STOPPING = 30
"""Seconds that a stop may take beyond the grace for running jobs."""

RETRY = 30
"""Seconds between two starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What a service runs.

    Attributes:
        name: The service's name: letters, digits, hyphens and underscores.
        python: The interpreter, in the virtual environment.
        script: `bot.py`.
        config: The settings file.
        grace: Seconds that running jobs get to finish when it is stopped.
    """

    name: str
    python: Path
    script: Path
    config: Path
    grace: float

    @property
    def command(self) -> list[str]:
        """The program and its arguments."""
        return [str(self.python), str(self.script), "run", "--config", str(self.config)]

    @property
    def stop_seconds(self) -> int:
        """How long a stop may take."""
        return round(self.grace) + STOPPING


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How a service is installed and removed.

    Attributes:
        file: Where its file goes.
        text: What is in it.
        encoding: How that is encoded.
        before: Commands to run before, which fail where none was installed.
        install: Commands to run once the file is there.
        known: A command that fails if the manager doesn't know the service; `None` if `remove`
            works even then.
        remove: Commands to run before the file is deleted; the last one has to succeed.
        after: Commands to run when it has been deleted.
        hint: What else the owner should know, in a sentence.
    """

    file: Path
    text: str
    encoding: str = "utf-8"
    before: tuple[tuple[str, ...], ...] = ()
    install: tuple[tuple[str, ...], ...]
    known: tuple[str, ...] | None = None
    remove: tuple[tuple[str, ...], ...]
    after: tuple[tuple[str, ...], ...] = ()
    hint: str
