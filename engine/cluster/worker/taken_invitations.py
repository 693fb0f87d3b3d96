"""The invitations that this machine has taken: each in a folder of its worker's name."""

from collections.abc import Iterator
from pathlib import Path

from engine.atomic_write import write_or_say
from engine.cluster.errors import BadInvitation
from engine.cluster.server.invitation import Invitation
from engine.cluster.worker.pausing import PauseFile

FOLDER = "workers"
"""In the data folder: a folder for each of them."""

FILE = "invitation"


class TakenInvitations:
    """The folder of workers on this machine. Its methods block for a moment."""

    def __init__(self, data: Path) -> None:
        """Take the data folder."""
        self.folder = data / FOLDER

    @property
    def pause_file(self) -> PauseFile:
        """Whether they are paused."""
        return PauseFile(self.folder)

    def place(self, name: str) -> Path:
        """The folder of a worker."""
        return self.folder / name

    def keep(self, invitation: Invitation) -> None:
        """Keep an invitation for the next start. Raises `StorageError`."""
        write_or_say(self.place(invitation.name) / FILE, invitation.line.encode())

    def all(self) -> Iterator[Invitation]:
        """Those that can be read, by name."""
        for file in sorted(self.folder.glob(f"*/{FILE}")):
            try:
                yield Invitation.read(file.read_text("utf-8"))
            except (OSError, UnicodeDecodeError, BadInvitation):
                continue
