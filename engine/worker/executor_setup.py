"""What an executor is made from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from engine.hub import LocalFiles, Origin, local_files
from engine.memory.profiles import ProfileStore
from engine.models.adapters import AdapterCatalogue
from engine.settings import EngineSettings
from engine.worker.blame import BlameFile

FindFiles = Callable[[str, Origin], LocalFiles]
"""From a model's name and origin to its files on disk; may block, and raise `ModelUnavailable`."""


def files_on_disk(name: str, origin: Origin) -> LocalFiles:
    """Find a model's files without downloading any. Raises `ModelUnavailable`."""
    return local_files(origin)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorSetup:
    """What every executor is given: the first one, and those after one that crashed.

    Attributes:
        settings: How to paint.
        find_files: Finds a model's files.
        profiles: What was measured; it outlives an executor.
        adapters: The LoRAs.
        embeddings: Folder of textual inversions, if there is one.
        blame: Where the jobs that the device is busy with are recorded.
    """

    settings: EngineSettings
    find_files: FindFiles = files_on_disk
    profiles: ProfileStore = field(default_factory=ProfileStore)
    adapters: AdapterCatalogue = field(default_factory=AdapterCatalogue)
    embeddings: Path | None = None
    blame: BlameFile = field(default_factory=BlameFile)
