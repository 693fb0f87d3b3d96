"""The only place that imports torch, diffusers, transformers and accelerate.

Importing this package takes seconds; the rest of the engine imports it when it starts to paint.
"""

import queue
from collections.abc import Callable
from pathlib import Path

from engine.diffusion import quiet as hush  # noqa: F401

# isort: split
from engine.diffusion.device import GIGABYTE, Device
from engine.diffusion.executor import Executor
from engine.diffusion.loader import ModelLoader
from engine.diffusion.model_cache import ModelCache
from engine.diffusion.textual_inversion import TextualInversions
from engine.diffusion.warm_models import WarmModels
from engine.memory.profile import Measurement
from engine.memory.profiles import ProfileStore
from engine.models.adapters import AdapterCatalogue
from engine.settings import EngineSettings
from engine.worker.messages import ExecutorCommand, ExecutorReport, StageMeasured

__all__ = ["Device", "Executor", "make_executor"]


def make_executor(
    settings: EngineSettings,
    inbox: queue.SimpleQueue[ExecutorCommand],
    report: Callable[[ExecutorReport], None],
    profiles: ProfileStore | None = None,
    adapters: AdapterCatalogue | None = None,
    embeddings: Path | None = None,
) -> Executor:
    """A painter as the settings want it.

    Args:
        settings: What the owner has decided.
        inbox: Where its orders come in.
        report: Called from its thread with whatever happens.
        profiles: What was measured before, and where new measurements go.
        adapters: The LoRAs that there are.
        embeddings: Folder of learned words (textual inversion), where there is one.

    Raises:
        DeviceUnavailable: The device of the settings is not there.
    """
    device = Device.choose(settings)
    bound = settings.models_in_ram_gb
    known = profiles or ProfileStore()

    def free_ram() -> int:
        device.release()
        return device.facts().ram_free_bytes

    def note(found: Measurement) -> None:
        known.add(found)
        report(StageMeasured(found))

    shelf = WarmModels(None if bound == "auto" else int(bound * GIGABYTE), free_ram)
    loader = ModelLoader(
        settings,
        device,
        known,
        note,
        adapters or AdapterCatalogue(),
        TextualInversions(embeddings),
    )
    model_cache = ModelCache(device, loader, shelf)
    return Executor(device, model_cache, inbox, report, previews=settings.previews)
