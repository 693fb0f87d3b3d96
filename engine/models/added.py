"""The models that were added by command: in the database, and from there in the catalogue."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from engine.errors import AtelierError
from engine.local_paths import exists
from engine.models.catalogue import Catalogue
from engine.models.model import Model
from engine.settings import ModelSettings, StoredAdapter
from engine.store import AdapterTable, Database, JobTable, ModelTable

T = TypeVar("T")

log = logging.getLogger(__name__)

DATABASE = "atelier.db"

POLL = 5.0
"""Seconds between two checks for models that the command line has added or removed."""


class AddedModels:
    """Keeps the catalogue and the database in step, whoever changes the database."""

    def __init__(
        self,
        table: ModelTable,
        catalogue: Catalogue,
        jobs: JobTable,
        *,
        on_removed: Callable[[str], None],
        submission: asyncio.Lock,
    ) -> None:
        """Take over the catalogue.

        Args:
            table: The stored models.
            catalogue: The models; it is changed here.
            jobs: The jobs, which may need a model.
            on_removed: Called with the name of a model that was removed.
            submission: Held while a job is taken in, so that its model can't be removed meanwhile.
        """
        self._table = table
        self._models = catalogue
        self._jobs = jobs
        self._on_removed = on_removed
        self._submission = submission
        self._last_seen: dict[str, ModelSettings] = {}

    async def add(self, name: str, settings: ModelSettings) -> Model:
        """Store a model and register it. Raises `StorageError`."""
        await self._table.save(name, settings)
        return self._models.add(name, settings)

    async def remove(self, name: str) -> None:
        """Delete a stored model and unregister it. Raises `StorageError`."""
        await self._table.delete(name)
        self._unregister(name)

    async def refresh(self) -> None:
        """Take over what the command line has added or removed in the same database."""
        async with self._submission:
            stored = await self._table.all()
            for model in list(self._models):
                gone = model.added and not _is_made_from(model, stored.get(model.name))
                if gone and not await self._jobs.count_open(model.name):
                    self._unregister(model.name)
            if stored != self._last_seen:
                new = {name: one for name, one in stored.items() if name not in self._models}
                self._models.restore(new)
            self._last_seen = stored

    def _unregister(self, name: str) -> None:
        self._models.remove(name)
        self._on_removed(name)


async def keep_refreshing(refresh: Callable[[], Awaitable[None]], kind: str) -> None:
    """Take over every few seconds what the command line has changed, until cancelled.

    Args:
        refresh: Does it once.
        kind: What is taken over, such as “models”, for the log.
    """
    while True:
        await asyncio.sleep(POLL)
        try:
            await refresh()
        except AtelierError as error:
            log.warning("The added %s can't be read: %s", kind, error)


async def added_models(folder: Path) -> dict[str, ModelSettings]:
    """The models that were added by command in that data folder; none if it doesn't exist.

    Raises:
        StorageError: When its database can't be read.
    """
    return await _stored(folder, lambda database: ModelTable(database).all())


async def added_adapters(folder: Path) -> dict[str, StoredAdapter]:
    """The LoRAs that were added by command in that data folder; none if it doesn't exist.

    Raises:
        StorageError: When its database can't be read.
    """
    return await _stored(folder, lambda database: AdapterTable(database).all())


async def _stored(
    folder: Path, read: Callable[[Database], Awaitable[dict[str, T]]]
) -> dict[str, T]:
    if not exists(folder / DATABASE):
        return {}
    async with Database(folder / DATABASE) as database:
        return await read(database)


def _is_made_from(model: Model, settings: ModelSettings | None) -> bool:
    return settings is not None and (model.source, model.revision, model.denoiser) == (
        settings.source,
        settings.revision,
        settings.denoiser,
    )
