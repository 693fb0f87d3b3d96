"""Models that were added by command, on their way from and to the database."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from engine.jobs.step_times import StepTimes
from engine.models.cache_downloads import CacheDownloads
from engine.models.catalogue import Catalogue
from engine.models.manager import ModelManager
from engine.models.probe import ModelProbe, ReadDeviceFacts
from engine.settings import EngineSettings, ModelSettings
from engine.store import Database, JobTable, ModelTable, TimingTable

DATABASE = "atelier.db"


async def added_models(folder: Path) -> dict[str, ModelSettings]:
    """The models that were added by command in that data folder; one that is not there has none.

    Raises:
        StorageError: When its database cannot be read.
    """
    if not (folder / DATABASE).exists():
        return {}
    async with Database(folder / DATABASE) as database:
        return await ModelTable(database).all()


@asynccontextmanager
async def open_model_manager(
    engine: EngineSettings,
    models: Mapping[str, ModelSettings],
    folder: Path,
    *,
    create: bool = False,
    facts: ReadDeviceFacts | None = None,
) -> AsyncIterator[tuple[ModelManager, Catalogue]]:
    """A curator without a studio, also beside a running one; and its catalogue.

    Args:
        engine: How the engine paints.
        models: The configured models by name.
        folder: The data folder.
        create: Whether to make the database if there is none.
        facts: Tells of the device; without it, that of the settings.

    Raises:
        StorageError: When the folder cannot be used.
        UnknownModel: When the default model is not configured.
    """
    catalogue = Catalogue(models, engine.default_model)
    file = folder / DATABASE
    async with Database(file if create or file.exists() else Path(":memory:")) as database:
        catalogue.restore(await ModelTable(database).all())
        timings = await TimingTable(database).all()
        probe = ModelProbe(engine, facts)
        yield (
            ModelManager(
                probe,
                catalogue,
                database,
                JobTable(database, folder),
                StepTimes(timings, engine.batch_size),
                CacheDownloads(probe.hub),
                forget=lambda name: None,
                submission=asyncio.Lock(),
            ),
            catalogue,
        )
