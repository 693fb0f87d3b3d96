"""What `hub push` publishes, by its name in the catalogues."""

import asyncio
from pathlib import Path

from cli.models.catalogue import catalogue_of
from cli.settings import Settings
from engine import AdapterCatalogue, open_adapter_manager
from engine.errors import InvalidModel
from engine.hub.local_files import index_in
from engine.hub.sources import read_source
from engine.local_paths import expanded
from engine.models.publishable import Publishable, publishable_model
from engine.training.publishing import publishable_trained


def publishable(settings: Settings, name: str) -> Publishable:
    """The LoRA of that name, else the model, else the folder.

    Raises:
        InvalidModel: It can't be published.
        InvalidRequest: There is no such LoRA.
        ModelUnavailable: Its files are damaged or not there.
        StorageError: The data folder is unusable.
    """
    loras = asyncio.run(_loras(settings))
    if name in loras:
        adapter = loras[name]
        return publishable_trained(adapter, loras.family_of(adapter))
    models = asyncio.run(catalogue_of(settings))
    if name in models:
        model = models[name]
        if model is models["sketch"]:
            raise InvalidModel(f"“{name}” comes with Atelier and isn't yours to publish.")
        return publishable_model(name, read_source(model.source, variant=model.variant))
    if (folder := expanded(name)) != Path(".") and index_in(folder) is not None:
        return publishable_model(folder.resolve().name, read_source(str(folder)))
    raise InvalidModel(
        f"There's no LoRA, model or folder “{name}”. “loras list” and “models list” show those "
        "that there are."
    )


async def _loras(settings: Settings) -> AdapterCatalogue:
    async with open_adapter_manager(
        settings.engine, settings.models, settings.adapters, settings.storage.path
    ) as manager:
        return manager.catalogue
