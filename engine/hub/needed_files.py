"""Files that a source needs, wherever they are downloaded from."""

from abc import ABC, abstractmethod
from pathlib import Path

from filelock import FileLock, Timeout
from huggingface_hub import constants

from engine.hub.client import HubClient, RemoteFile
from engine.hub.http_download import PARTIAL_SUFFIX


def locks_of(folder: Path) -> Path:
    """Where the locks are of the files in a folder of the cache; the Hub's client has the same."""
    cache = Path(constants.HF_HUB_CACHE)
    return cache / ".locks" / folder.relative_to(cache)


def is_being_written(folder: Path) -> bool:
    """Whether this process or another one is downloading into that folder in the cache."""
    for lock in locks_of(folder).glob("*.lock"):
        try:
            with FileLock(lock, timeout=0):
                pass
        except Timeout:
            return True
    return False


class NeededFiles(ABC):
    """How much of them is there, and where their bytes are kept."""

    __slots__ = ()

    @property
    @abstractmethod
    def folder(self) -> Path:
        """The folder of the cache that keeps them."""

    @property
    @abstractmethod
    def missing(self) -> tuple[RemoteFile, ...]:
        """The files that aren't in the cache, none twice."""

    @abstractmethod
    def blob(self, file: RemoteFile) -> Path:
        """Where the cache keeps the bytes of a file."""

    def lock(self, file: RemoteFile) -> Path:
        """The file whose lock is held while it is written, also by the Hub's client."""
        return locks_of(self.folder) / f"{file.digest}.lock"

    @abstractmethod
    def link(self, hub: HubClient) -> None:
        """Give the bytes their names in the cache. Raises `ModelUnavailable`."""

    @property
    def missing_bytes(self) -> int:
        """Bytes still to be downloaded, without those of partial files."""
        return sum(max(0, file.size - self.partial_size(file)) for file in self.missing)

    def partial(self, file: RemoteFile) -> Path:
        """Where its bytes are written until all are there."""
        blob = self.blob(file)
        return blob.with_name(blob.name + PARTIAL_SUFFIX)

    def partial_size(self, file: RemoteFile) -> int:
        """Bytes of a file that an interrupted download left."""
        try:
            return self.partial(file).stat().st_size
        except FileNotFoundError:
            return 0
