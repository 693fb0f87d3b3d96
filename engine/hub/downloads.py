"""Downloads into the shared Hugging Face cache: with progress, to be stopped, to be gone on with.

The work runs in a thread with an event loop of its own, so that neither the bot's loop waits for
the disk nor a stop for the network.
"""

import asyncio
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants

from engine.hub.cache import download_files, link
from engine.hub.client import HubClient
from engine.hub.errors import DiskFull, DownloadStopped
from engine.hub.manifest import Manifest, manifests_of
from engine.hub.presence import LocalFiles, disk_usage, local_files
from engine.hub.sizes import human_size
from engine.hub.sources import Origin
from speech import say

RESERVE = 200_000_000
"""Bytes that are to stay free on the disk: pictures and the database need some."""

GLANCE = 0.1
"""Seconds between two looks at whether to stop, and between two reports of progress."""

FAREWELL = 1.0
"""Seconds that a cancelled download is waited for; a silent Hub is left to its thread."""


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a download is.

    Attributes:
        done: Bytes that are here; those that an earlier download has brought count, too.
        total: Bytes of all files of the model that are on the Hub.
        file: The file that has grown last.
    """

    done: int
    total: int
    file: str


ProgressCallback = Callable[[DownloadProgress], None]


async def download(
    origin: Origin, hub: HubClient | None = None, progress: ProgressCallback | None = None
) -> LocalFiles:
    """Bring what is missing of a model; never blocks the event loop.

    Cancelling the task stops the download; what has come stays, and the next one goes on with it.

    Args:
        origin: What the model is made from.
        hub: Where to ask.
        progress: Called on the event loop, at most ten times a second, and once at the end.

    Raises:
        ModelUnavailable: As `download_now`.
    """
    loop = asyncio.get_running_loop()
    stop = threading.Event()

    def told(news: DownloadProgress) -> None:
        if progress is not None:
            loop.call_soon_threadsafe(progress, news)

    thread = ThreadPoolExecutor(1, "download")
    work = loop.run_in_executor(thread, lambda: download_now(origin, hub, told, stop))
    thread.shutdown(wait=False)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([work], timeout=FAREWELL)
        raise
    finally:
        work.add_done_callback(lambda done: done.cancelled() or done.exception())


def download_now(
    origin: Origin,
    hub: HubClient | None = None,
    progress: ProgressCallback | None = None,
    stop: threading.Event | None = None,
) -> LocalFiles:
    """Bring what is missing of a model, and wait for it.

    A model that is all on disk is not asked for again, and neither is the Hub.

    Args:
        origin: What the model is made from.
        hub: Where to ask.
        progress: Called in this thread, at most ten times a second, and once at the end.
        stop: Set it, from any thread, to stop within about a second.

    Raises:
        DownloadStopped: It was stopped.
        DiskFull: There is no room.
        CorruptFile: What came is not what the Hub has promised.
        ModelUnavailable: The sources do not exist or do not do, or the Hub is out of reach.
    """
    if disk_usage(origin).presence.downloads:
        hub = hub or HubClient()
        manifests = manifests_of(origin, hub)
        _check_room(manifests)
        tally = _ByteCounter(manifests, progress)
        asyncio.run(_all(manifests, hub, tally, stop or threading.Event()))
        for manifest in manifests:
            link(manifest, hub)
        tally.report()
    return local_files(origin)


class _ByteCounter:
    """Counts the bytes, and reports them when told to."""

    def __init__(self, manifests: tuple[Manifest, ...], report: ProgressCallback | None) -> None:
        self.total = sum(file.size for manifest in manifests for file in manifest.files)
        self.done = self.total - sum(
            file.size for manifest in manifests for file in manifest.missing
        )
        self._file = ""
        self._report = report

    def add(self, file: str, size: int) -> None:
        self.done += size
        self._file = file

    def report(self) -> None:
        if self._report is not None:
            self._report(DownloadProgress(self.done, self.total, self._file))


def _check_room(manifests: tuple[Manifest, ...]) -> None:
    """Raise `DiskFull` before the first byte, rather than after the last that fits."""
    size = sum(manifest.missing_bytes for manifest in manifests)
    cache = Path(constants.HF_HUB_CACHE)
    there = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = shutil.disk_usage(there).free
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


async def _all(
    manifests: tuple[Manifest, ...], hub: HubClient, tally: _ByteCounter, stop: threading.Event
) -> None:
    """Fetch what is missing, until `stop` is set."""
    work = asyncio.ensure_future(download_files(manifests, hub, tally.add))
    while not work.done():
        await asyncio.wait([work], timeout=GLANCE)
        tally.report()
        if stop.is_set() and work.cancel():
            await asyncio.wait([work])
            raise DownloadStopped(
                say(
                    "The download of “{source}” was stopped at {done} of {total}. Start it "
                    "again to resume.",
                    source=manifests[0].source.text,
                    done=human_size(tally.done),
                    total=human_size(tally.total),
                )
            )
    await work
