"""Downloads into the shared Hugging Face cache: with progress, stoppable, and resumable.

Everything here blocks. It runs an event loop of its own on the calling thread, so that stopping
never waits for the network.
"""

import asyncio
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants

from engine.hub.cache import download_files
from engine.hub.client import HubClient
from engine.hub.errors import DiskFull, DownloadStopped
from engine.hub.manifest import AnyManifest, manifests_of
from engine.hub.presence import LocalFiles, disk_usage, local_files
from engine.hub.sources import Origin
from engine.sizes import human_size
from speech import say

RESERVE = 200_000_000
"""Bytes of disk space that downloads leave free for pictures and the database."""

POLL = 0.1
"""Seconds between two checks for a stop, and between two progress reports."""


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a download is.

    Attributes:
        done: Bytes on disk, those of an earlier download included.
        total: Bytes of all files that come from the Hub.
        file: The file that grew last.
    """

    done: int
    total: int
    file: str


ProgressCallback = Callable[[DownloadProgress], None]


def download(
    origin: Origin,
    hub: HubClient,
    on_progress: ProgressCallback | None = None,
    stop: threading.Event | None = None,
) -> LocalFiles:
    """Download what is missing of a model, and wait for it.

    The Hub isn't asked about a model that is all on disk.

    Args:
        origin: What the model is made from.
        hub: Where to ask.
        on_progress: Called on this thread, at most ten times a second, and once at the end.
        stop: Set it, from any thread, to stop within about a second.

    Raises:
        DownloadStopped: It was stopped.
        DiskFull: There isn't enough space.
        CorruptFile: The bytes don't match their hash.
        ModelUnavailable: The sources don't exist or can't be used, or the Hub can't be reached.
    """
    if disk_usage(origin).presence.downloads:
        download_manifests(manifests_of(origin, hub), hub, on_progress, stop)
    return local_files(origin)


def download_manifests(
    manifests: tuple[AnyManifest, ...],
    hub: HubClient,
    on_progress: ProgressCallback | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Download what is missing of these files; see `download`, which raises the same."""
    for manifest in manifests:
        manifest.discard_damaged()
    _check_disk_space(manifests)
    counter = _ByteCounter(manifests, on_progress)
    asyncio.run(_download_all(manifests, hub, counter, stop or threading.Event()))
    for manifest in manifests:
        manifest.link(hub)
    counter.report()


class _ByteCounter:
    """Counts downloaded bytes."""

    def __init__(
        self, manifests: tuple[AnyManifest, ...], on_progress: ProgressCallback | None
    ) -> None:
        self.total = sum(file.size for manifest in manifests for file in manifest.files)
        self.done = self.total - sum(
            file.size for manifest in manifests for file in manifest.missing
        )
        self._file = ""
        self._on_progress = on_progress

    def add(self, file: str, size: int) -> None:
        self.done += size
        self._file = file

    def report(self) -> None:
        if self._on_progress is not None:
            self._on_progress(DownloadProgress(self.done, self.total, self._file))


def free_bytes() -> int:
    """Free bytes where downloads are kept."""
    cache = Path(constants.HF_HUB_CACHE)
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    return shutil.disk_usage(existing).free


def _check_disk_space(manifests: tuple[AnyManifest, ...]) -> None:
    """Raise `DiskFull` before the first byte rather than after the last that fits."""
    size = sum(manifest.missing_bytes for manifest in manifests)
    cache = Path(constants.HF_HUB_CACHE)
    free = free_bytes()
    if size and free < size + RESERVE:
        raise DiskFull(
            say(
                "Not enough disk space: {size} to download, but {cache} has {free} free, and "
                "{reserve} must stay free.",
                size=human_size(size),
                cache=cache,
                free=human_size(free),
                reserve=human_size(RESERVE),
            )
        )


async def _download_all(
    manifests: tuple[AnyManifest, ...], hub: HubClient, counter: _ByteCounter, stop: threading.Event
) -> None:
    """Download what is missing until `stop` is set."""
    work = asyncio.ensure_future(download_files(manifests, hub, counter.add))
    while not work.done():
        await asyncio.wait([work], timeout=POLL)
        counter.report()
        if stop.is_set() and work.cancel():
            await asyncio.wait([work])
            raise DownloadStopped(
                say(
                    "The download of “{source}” was stopped at {done} of {total}. Start it "
                    "again to resume.",
                    source=manifests[0].source.text,
                    done=human_size(counter.done),
                    total=human_size(counter.total),
                )
            )
    await work
