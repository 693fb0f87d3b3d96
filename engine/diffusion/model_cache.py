"""The models in memory: one in use, others kept in RAM, perhaps one that is being preloaded."""

import gc
import logging
import threading
import time
from collections import OrderedDict
from concurrent.futures import Future

from engine.background_thread import watch_to_the_end
from engine.diffusion.device import Device
from engine.diffusion.loader import LoadedModel, ModelLoader, NoRoomToPreload
from engine.jobs.recipe import Recipe
from engine.memory.plan import Stage
from engine.models.model import Model

log = logging.getLogger(__name__)


class ModelCache:
    """Keeps the least recently used models out and the others in RAM; belongs to one thread.

    Going back to a model in RAM costs a transfer to the device, not a load.

    Attributes:
        loaded: The model in use.
    """

    def __init__(self, device: Device, loader: ModelLoader, max_bytes: int | None = None) -> None:
        """Make an empty cache.

        Args:
            device: Where models are used.
            loader: Loads them.
            max_bytes: RAM that the models besides the one in use may take; `None` for as much as
                leaves room to load others.
        """
        self._device = device
        self._loader = loader
        self._max_bytes = max_bytes
        self._unused: OrderedDict[Model, LoadedModel] = OrderedDict()
        self._preloading: tuple[Model, Future[LoadedModel]] | None = None
        self.loaded: LoadedModel | None = None

    def get(self, model: Model) -> LoadedModel:
        """Make `model` the one in use, from RAM or from disk.

        Raises:
            ModelUnavailable: It can't be loaded. The model that was in use is unharmed.
        """
        if self.loaded is not None and self.loaded.model == model:
            return self.loaded
        begun = time.monotonic()
        self.stop_improving()
        cached = self._take_preloaded(model) or self._unused.pop(model, None)
        if self.loaded is not None:
            if self.loaded.components.movable:
                self._put(self.loaded)
            self.loaded = None
            self._free_memory()
        self.loaded = cached or self._loader.load(model, self._make_room)
        self.loaded.memory.record_load(time.monotonic() - begun)
        return self.loaded

    def preload(self, model: Model) -> None:
        """Start loading `model` in the background if there is room for it in RAM."""
        if self._preloading is not None and self._preloading[1].done():
            self._keep_preloaded(*self._preloading)
        in_use = self.loaded is not None and self.loaded.model == model
        if in_use or model in self._unused or self._preloading is not None:
            return
        future: Future[LoadedModel] = Future()
        self._preloading = (model, future)

        def load() -> None:
            try:
                future.set_result(self._loader.load(model, self._require_room, preload=True))
            except BaseException as error:
                future.set_exception(error)

        # A daemon, since nothing can interrupt a load, and a program that stops must not wait.
        thread = threading.Thread(target=load, name=f"load {model.name}", daemon=True)
        watch_to_the_end(thread)
        thread.start()

    def forget(self, name: str) -> None:
        """Release the model of that name, wherever it is."""
        for model in [model for model in self._unused if model.name == name]:
            del self._unused[model]
        if self._preloading is not None and self._preloading[0].name == name:
            self._preloading = None
        if self.loaded is not None and self.loaded.model.name == name:
            self.stop_improving()
            self.loaded = None
            self._free_memory()

    def stop_improving(self) -> None:
        """Stop what goes on beside painting with the model in use."""
        if self.loaded is not None and self.loaded.acceleration is not None:
            self.loaded.acceleration.close()

    def plan_for(self, recipe: Recipe, *, idle: bool = True) -> None:
        """Plan the model in use for pictures like `recipe`'s, with the LoRAs that are loaded.

        Args:
            recipe: What is painted.
            idle: Whether nothing else is, so that a faster plan may be tried.
        """
        assert self.loaded is not None, "`get` comes first"
        self._device.claim()
        memory = self.loaded.memory
        guided = recipe.guidance_scale > 1
        changed = memory.plan_for(
            recipe.width,
            recipe.height,
            guided=guided,
            references=recipe.pictures_beside,
            adapter_bytes=self.loaded.components.adapter_bytes,
            parts=self.loaded.components.added,
        )
        if changed or (idle and memory.try_higher()):
            self._apply_plan()

    def fall_back(self, stage: Stage, batch: int = 1) -> bool:
        """Switch to the next plan down, after memory ran out at `stage`; `False` at the bottom."""
        if self.loaded is None:  # a plan that needs other weights couldn't be loaded
            return False
        self.loaded.components.release()
        self._free_memory()
        if not self.loaded.memory.fall_back(stage, batch):
            return False
        self._apply_plan()
        return True

    def widen(self, stage: Stage) -> bool:
        """Have the model in use compute in a wider type, after it overflowed at `stage`.

        Returns whether there is one.

        Raises:
            ModelUnavailable: It can't be loaded in that type; then no model is in use.
        """
        if self.loaded is None or not self.loaded.memory.widen(stage):
            return False
        self._apply_plan()
        return True

    def narrow(self) -> None:
        """Have the model in use compute as before, since wider types didn't help.

        Raises:
            ModelUnavailable: It can't be loaded; then no model is in use.
        """
        if self.loaded is not None and self.loaded.memory.narrow():
            self._apply_plan()

    def step_aside(self) -> bool:
        """Take the weights of the model in use off the device; what is used again comes back.

        Returns whether that frees memory of the device.
        """
        if self.loaded is None or not self._device.has_own_memory:
            return False
        self.loaded.components.release()
        self._free_memory()
        return True

    def free_ram(self) -> bool:
        """Drop the models that aren't in use; returns whether there were any."""
        if self._preloading is not None and self._preloading[1].done():
            self._keep_preloaded(*self._preloading)
        dropped = bool(self._unused)
        self._unused.clear()
        self._free_memory()
        return dropped

    def _apply_plan(self) -> None:
        """Place the weights as planned, or load them again where the plan needs others.

        Nobody else holds the model in use, so the old weights are gone before others are read.
        """
        assert self.loaded is not None, "there is a plan"
        if not self.loaded.needs_reload:
            self.loaded.apply_plan()
            return
        model, memory = self.loaded.model, self.loaded.memory
        self.stop_improving()
        self.loaded.components.release()
        self.loaded = None
        self._free_memory()
        self.loaded = self._loader.load(model, self._make_room, memory)

    def _put(self, loaded: LoadedModel) -> None:
        """Keep a model in RAM, off the device; the least recently used ones may have to go."""
        loaded.components.release()
        self._unused[loaded.model] = loaded
        while self._max_bytes is not None and self._unused and self._used_bytes() > self._max_bytes:
            self._unused.popitem(last=False)

    def _take_preloaded(self, model: Model) -> LoadedModel | None:
        """`model` if it was preloaded, waiting for it to finish; `None` otherwise."""
        if self._preloading is None:
            return None
        preloaded, future = self._preloading
        if preloaded != model and not future.done():
            return None
        self._keep_preloaded(preloaded, future)
        return self._unused.pop(model, None)

    def _keep_preloaded(self, model: Model, future: Future[LoadedModel]) -> None:
        self._preloading = None
        try:
            self._put(future.result())
        except Exception as error:
            # The reason comes up again, and is reported, when the model is needed.
            log.info("%s was not preloaded: %s", model.name, error)

    def _make_room(self, nbytes: int) -> None:
        self._free_memory()
        while self._unused and self._free_ram() < nbytes:
            self._unused.popitem(last=False)
            self._free_memory()

    def _require_room(self, nbytes: int) -> None:
        allowed = self._max_bytes is None or nbytes <= self._max_bytes
        if not allowed or self._device.facts().ram_free_bytes < nbytes:
            raise NoRoomToPreload

    def _free_ram(self) -> int:
        """Bytes of RAM that models may still take."""
        return self._device.facts().ram_free_bytes

    def _used_bytes(self) -> int:
        return sum(loaded.components.nbytes for loaded in self._unused.values())

    def _free_memory(self) -> None:
        gc.collect()
        self._device.release()
        self._device.claim()
