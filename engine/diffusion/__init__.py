"""The only place that imports torch, diffusers, transformers and accelerate.

Importing this package takes seconds; the rest of the engine imports it when it starts to paint.
"""

import queue
from collections.abc import Callable
from pathlib import Path

from engine.diffusion import quiet as hush  # noqa: F401

# isort: split
from engine.models.adapters import AdapterShelf
from engine.diffusion.model_cache import Bench
from engine.diffusion.device import GIGABYTE, Device
from engine.diffusion.textual_inversion import Inversions
from engine.diffusion.loader import Loader
from engine.diffusion.executor import Painter
from engine.diffusion.warm_models import Shelf
from engine.memory.profile import Measurement
from engine.memory.profiles import Ledger
from engine.worker.messages import Noted, Order, Report
from engine.settings import EngineSettings

__all__ = ["Device", "Painter", "make_painter"]


def make_painter(
    settings: EngineSettings,
    inbox: queue.SimpleQueue[Order],
    report: Callable[[Report], None],
    ledger: Ledger | None = None,
    adapters: AdapterShelf | None = None,
    embeddings: Path | None = None,
) -> Painter:
    """A painter as the settings want it.

    Args:
        settings: What the owner has decided.
        inbox: Where its orders come in.
        report: Called from its thread with whatever happens.
        ledger: What was measured before, and where new measurements go.
        adapters: The LoRAs that there are.
        embeddings: Folder of learned words (textual inversion), where there is one.

    Raises:
        DeviceUnavailable: The device of the settings is not there.
    """
    device = Device.choose(settings)
    bound = settings.models_in_ram_gb
    known = ledger or Ledger()

    def free_ram() -> int:
        device.release()
        return device.facts().ram_free_bytes

    def note(found: Measurement) -> None:
        known.add(found)
        report(Noted(found))

    shelf = Shelf(None if bound == "auto" else int(bound * GIGABYTE), free_ram)
    loader = Loader(
        settings,
        device,
        known,
        note,
        adapters or AdapterShelf(),
        Inversions(embeddings),
    )
    bench = Bench(device, loader, shelf)
    return Painter(device, bench, inbox, report, previews=settings.previews)
