"""Which models are on disk; the others are downloaded before their jobs go to the device."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial

from engine.errors import AtelierError, ModelUnavailable, new_incident
from engine.hub import DownloadProgress
from engine.models.catalogue import Catalogue
from engine.models.download_manager import DownloadManager
from engine.models.model import Model
from engine.models.probe import ModelProbe
from engine.tasks import Tasks
from speech import say

log = logging.getLogger(__name__)

OnChange = Callable[[str, AtelierError | None], None]
"""Called with a model's name when more of it is on disk, and with the error if it can't be had."""


class ModelAvailability:
    """Knows which models of the catalogue are on disk, and downloads those that jobs need.

    A model is looked for on disk once: what has been downloaded stays, and the loader says what is
    damaged.
    """

    def __init__(self, probe: ModelProbe, catalogue: Catalogue, downloads: DownloadManager) -> None:
        self._probe = probe
        self._models = catalogue
        self._downloads = downloads
        self._on_disk: set[str] = set()
        self._pending: dict[str, float | None] = {}
        self._work: dict[str, asyncio.Task[None]] = {}
        self._tasks = Tasks()

    def on_disk(self, name: str) -> bool:
        """Whether all files of a model are known to be on disk; see `scan`."""
        return name in self._on_disk

    @property
    def pending(self) -> Mapping[str, float | None]:
        """The models that jobs wait for: the share of their files that is on disk, if known."""
        return self._pending

    async def scan(self, names: Collection[str] | None = None) -> None:
        """Look for models on disk, on a thread; without `names`, for all of the catalogue."""
        if names is None:
            models = list(self._models)
        else:
            unknown = set(names) - self._on_disk - self._pending.keys()
            models = [self._models[name] for name in unknown]
        self._on_disk |= await asyncio.to_thread(self._complete, models)

    def _complete(self, models: Iterable[Model]) -> set[str]:
        usage = self._probe.disk_usage
        return {model.name for model in models if not usage(model).presence.downloads}

    def require(self, name: str, on_change: OnChange) -> None:
        """Download a model in the background unless it's on disk; meanwhile it is `pending`."""
        if name in self._pending or name in self._on_disk:
            return
        self._pending[name] = None
        self._work[name] = self._tasks.start(self._provide(name, on_change), f"provide {name}")

    def cancel(self, name: str) -> None:
        """Stop downloading a model: no job needs it any more."""
        if (work := self._work.pop(name, None)) is not None:
            del self._pending[name]
            work.cancel()

    def forget(self, name: str) -> None:
        """The model was removed: look again for another one of that name."""
        self._on_disk.discard(name)

    async def close(self) -> None:
        """Stop all downloads for jobs."""
        await self._tasks.cancel()

    async def _provide(self, name: str, on_change: OnChange) -> None:
        failure: AtelierError | None = None
        try:
            await self._download(name, partial(self._note, name, on_change, self._work[name]))
        except AtelierError as error:
            failure = error
        except Exception:
            incident = new_incident()
            log.exception("The files of “%s” can't be downloaded (incident %s)", name, incident)
            failure = ModelUnavailable(
                say(
                    "The files of “{model}” can't be fetched. The owner can find the reason in "
                    "the log: {incident}.",
                    model=name,
                    incident=incident,
                )
            )
        del self._pending[name], self._work[name]
        on_change(name, failure)

    async def _download(self, name: str, on_progress: Callable[[DownloadProgress], None]) -> None:
        model = self._models[name]
        usage = await asyncio.to_thread(self._probe.disk_usage, model)
        if usage.presence.downloads:
            log.info("Downloading “%s” because a job needs it", name)
            origin = self._probe.origin(model)
            await self._downloads.download(name, origin, on_progress, wait=True)
        self._on_disk.add(name)

    def _note(
        self, name: str, on_change: OnChange, work: asyncio.Task[None], progress: DownloadProgress
    ) -> None:
        """Note progress by whole percents; a cancelled download may report once more."""
        if self._work.get(name) is not work:
            return
        share = progress.done / progress.total if progress.total else None
        before = self._pending[name]
        if share is not None and (before is None or int(100 * share) > int(100 * before)):
            self._pending[name] = share
            on_change(name, None)
