"""Opens a model manager without a studio, as the command line needs it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from engine.hub import HubClient
from engine.local_paths import exists
from engine.models.added import DATABASE
from engine.models.catalogue import Catalogue
from engine.models.download_manager import DownloadManager
from engine.models.manager import ModelManager
from engine.models.probe import ModelProbe, ReadDeviceFacts
from engine.settings import EngineSettings, ModelSettings
from engine.store import Database, JobTable, ModelTable
from engine.store.database import IN_MEMORY


@asynccontextmanager
async def open_model_manager(
    engine: EngineSettings,
    models: Mapping[str, ModelSettings],
    folder: Path,
    *,
    create: bool = False,
    read_device: ReadDeviceFacts | None = None,
) -> AsyncIterator[tuple[ModelManager, Catalogue]]:
    """A model manager without a studio, possibly beside a running one; and its catalogue.

    Args:
        engine: How the engine paints.
        models: The configured models by name.
        folder: The data folder.
        create: Whether to create the database if there is none.
        read_device: Asks the device; by default, that of the settings.

    Raises:
        StorageError: When the folder can't be used.
        UnknownModel: When the default model isn't configured.
    """
    catalogue = Catalogue(models, engine.default_model)
    hub = HubClient(engine.hub_url, engine.plain_hub_token)
    file = folder / DATABASE
    async with Database(file if create or exists(file) else IN_MEMORY) as database:
        catalogue.restore(await ModelTable(database).all())
        manager = ModelManager(
            ModelProbe(engine, hub, read_device),
            catalogue,
            database,
            JobTable(database, folder),
            DownloadManager(hub),
            on_removed=lambda name: None,
            submission=asyncio.Lock(),
        )
        yield manager, catalogue
