"""Opens a model or LoRA manager without a studio, as the command line needs it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from engine.hub import Origin
from engine.local_paths import exists
from engine.models.adapter_manager import AdapterManager, origins_of
from engine.models.adapters import AdapterCatalogue
from engine.models.added import DATABASE
from engine.models.catalogue import Catalogue
from engine.models.download_manager import DownloadManager
from engine.models.licences import Safeguards
from engine.models.manager import ModelManager
from engine.models.origins import hub_of
from engine.models.probe import ModelProbe, ReadDeviceFacts
from engine.settings import AdapterSettings, EngineSettings, ModelSettings
from engine.store import AdapterTable, Database, JobTable, ModelTable, TrainingTable
from engine.store.database import IN_MEMORY
from engine.store.store import TRAININGS


@asynccontextmanager
async def open_model_manager(
    engine: EngineSettings,
    models: Mapping[str, ModelSettings],
    folder: Path,
    *,
    adapters: Mapping[str, AdapterSettings] | None = None,
    create: bool = False,
    read_device: ReadDeviceFacts | None = None,
    safeguards: Safeguards | None = None,
) -> AsyncIterator[tuple[ModelManager, Catalogue]]:
    """A model manager without a studio, possibly beside a running one; and its catalogue.

    Args:
        engine: How the engine paints.
        models: The configured models by name.
        folder: The data folder.
        adapters: The configured LoRAs by name, which may be made from the same files.
        create: Whether to create the database if there is none.
        read_device: Asks the device; by default, that of the settings.
        safeguards: What the owner does for licences that ask for it.

    Raises:
        StorageError: When the folder can't be used.
        UnknownModel: When the default model isn't configured.
    """
    catalogue = Catalogue(models, engine.default_model)
    hub = hub_of(engine)
    file = folder / DATABASE
    async with Database(file if create or exists(file) else IN_MEMORY) as database:
        catalogue.restore(await ModelTable(database).all())
        loras = AdapterCatalogue(adapters, folder / "loras")
        loras.restore(await AdapterTable(database).all())
        manager = ModelManager(
            ModelProbe(engine, hub, read_device, safeguards),
            catalogue,
            database,
            JobTable(database, folder),
            TrainingTable(database, folder / TRAININGS),
            DownloadManager(hub),
            on_removed=lambda name: None,
            submission=asyncio.Lock(),
            lora_origins=lambda: origins_of(loras),
        )
        yield manager, catalogue


@asynccontextmanager
async def open_adapter_manager(
    engine: EngineSettings,
    models: Mapping[str, ModelSettings],
    adapters: Mapping[str, AdapterSettings],
    folder: Path,
    *,
    create: bool = False,
    safeguards: Safeguards | None = None,
) -> AsyncIterator[AdapterManager]:
    """A LoRA manager without a studio, possibly beside a running one.

    Args:
        engine: How the engine paints.
        models: The configured models by name, which may be made from the same files.
        adapters: The configured LoRAs by name.
        folder: The data folder.
        create: Whether to create the database if there is none.
        safeguards: What the owner does for licences that ask for it.

    Raises:
        StorageError: When the folder can't be used.
    """
    hub, file = hub_of(engine), folder / DATABASE
    async with Database(file if create or exists(file) else IN_MEMORY) as database:
        stored = await ModelTable(database).all()

        def model_origins() -> list[Origin]:
            catalogue = Catalogue(models, engine.default_model)
            catalogue.restore(stored)
            return ModelProbe(engine, hub).origins(catalogue)

        manager = AdapterManager(
            AdapterCatalogue(adapters, folder / "loras"),
            AdapterTable(database),
            JobTable(database, folder),
            DownloadManager(hub),
            hub,
            safeguards=safeguards,
            submission=asyncio.Lock(),
            model_origins=model_origins,
        )
        await manager.restore()
        yield manager
