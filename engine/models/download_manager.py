"""Supplies: the files of a model come before its jobs go to the painter, who paints meanwhile."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from functools import partial

from engine.errors import AtelierError, ModelUnavailable, new_incident
from engine.hub import DownloadProgress
from engine.models.cache_downloads import CacheDownloads
from engine.models.catalogue import Catalogue
from engine.models.probe import ModelProbe
from engine.tasks import Tasks
from speech import say

log = logging.getLogger(__name__)

OnProgress = Callable[[str, AtelierError | None], None]
"""Called with a model's name when more of it has come, and why no more comes, if none does."""


class DownloadManager:
    """Knows which models lack files, and brings those that somebody waits for.

    A model is looked for on the disk once: what came stays, and what is broken there is told by
    the painter.
    """

    def __init__(
        self, probe: ModelProbe, catalogue: Catalogue, cache_downloads: CacheDownloads
    ) -> None:
        self._probe = probe
        self._models = catalogue
        self._cache_downloads = cache_downloads
        self._here: set[str] = set()
        self._coming: dict[str, float | None] = {}
        self._work: dict[str, asyncio.Task[None]] = {}
        self._tasks = Tasks()

    async def look(self) -> None:
        """Look which models of the catalogue are on disk; reads some folders, in a thread."""
        await asyncio.to_thread(self._look)

    def _look(self) -> None:
        for model in list(self._models):
            if not self._probe.disk_usage(model).presence.downloads:
                self._here.add(model.name)

    @property
    def coming(self) -> Mapping[str, float | None]:
        """The models whose jobs have to wait: the share of the files that is there, if known."""
        return self._coming

    def __contains__(self, name: object) -> bool:
        """Whether the files of a model are known to be here; see `look_for`."""
        return name in self._here

    async def look_for(self, names: Collection[str]) -> None:
        """Look for the files of those models that nobody has wanted yet, in a thread."""
        for name in set(names) - self._here - self._coming.keys():
            usage = await asyncio.to_thread(self._probe.disk_usage, self._models[name])
            if not usage.presence.downloads:
                self._here.add(name)

    def want(self, name: str, told: OnProgress) -> None:
        """Have the files of a model come, if they lack; until they are there it is `coming`."""
        if name in self._coming or name in self._here:
            return
        self._coming[name] = None
        self._work[name] = self._tasks.start(self._bring(name, told), f"bring {name}")

    def give_up(self, name: str) -> None:
        """Nobody waits for the model any more: what has come stays, and no more comes."""
        if (work := self._work.pop(name, None)) is not None:
            del self._coming[name]
            work.cancel()

    def forget(self, name: str) -> None:
        """The model is removed: another one of that name is looked for anew."""
        self._here.discard(name)

    async def close(self) -> None:
        """Bring nothing more."""
        await self._tasks.cancel()

    async def _bring(self, name: str, told: OnProgress) -> None:
        failure: AtelierError | None = None
        try:
            await self._fetch(name, partial(self._note_progress, name, told, self._work[name]))
        except AtelierError as error:
            failure = error
        except Exception:
            incident = new_incident()
            log.exception("The files of “%s” cannot be fetched (incident %s)", name, incident)
            failure = ModelUnavailable(
                say(
                    "The files of “{model}” can't be fetched. The owner can find the reason in "
                    "the log: {incident}.",
                    model=name,
                    incident=incident,
                )
            )
        del self._coming[name], self._work[name]
        told(name, failure)

    async def _fetch(self, name: str, progress: Callable[[DownloadProgress], None]) -> None:
        model = self._models[name]
        usage = await asyncio.to_thread(self._probe.disk_usage, model)
        if usage.presence.downloads:
            log.info("The files of “%s” are fetched, since somebody waits for it", name)
            await self._cache_downloads.bring_or_wait(name, self._probe.origin(model), progress)
        self._here.add(name)

    def _note_progress(
        self, name: str, told: OnProgress, work: asyncio.Task[None], news: DownloadProgress
    ) -> None:
        """Take news of a download; one that was given up says a last word afterwards."""
        if self._work.get(name) is not work:
            return
        share = news.done / news.total if news.total else None
        before = self._coming[name]
        if share is not None and (before is None or int(100 * share) > int(100 * before)):
            self._coming[name] = share
            told(name, None)
