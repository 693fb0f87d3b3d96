"""The easel: what every painter is given, the first and those that come after one that broke."""

import gc
from collections.abc import Callable, Iterable
from pathlib import Path

from engine.memory.profile import Measurement
from engine.memory.profiles import ProfileStore
from engine.models.adapters import AdapterCatalogue
from engine.settings import EngineSettings
from engine.worker.device_thread import Commands
from engine.worker.messages import ExecutorReport


class ExecutorFactory:
    """Has painters paint, one after the other; what was measured outlives them."""

    def __init__(
        self,
        settings: EngineSettings,
        known: Iterable[Measurement] = (),
        adapters: AdapterCatalogue | None = None,
        embeddings: Path | None = None,
    ) -> None:
        """Prepare; no painter is made yet.

        Args:
            settings: How to paint.
            known: What was measured before.
            adapters: The LoRAs that there are.
            embeddings: Folder of learned words, where there is one.
        """
        self._settings = settings
        self._profiles = ProfileStore(known)
        self._adapters = adapters
        self._embeddings = embeddings

    def paint(self, orders: Commands, report: Callable[[ExecutorReport], None]) -> None:
        """Make a painter and have it paint until it is told to stop. Called in its thread.

        Raises:
            DeviceUnavailable: The device of the settings is not there.
        """
        # Torch is imported here, in the thread, where seconds do not matter.
        from engine.diffusion import make_executor

        # What was imported stays: to look through it for garbage takes a third of a second. What a
        # painter before this one has left does not.
        gc.collect()
        gc.freeze()
        make_executor(
            self._settings, orders, report, self._profiles, self._adapters, self._embeddings
        ).run()

    def forget(self, model: str) -> None:
        """Another model of that name has all to be measured anew."""
        self._profiles.forget(model)
