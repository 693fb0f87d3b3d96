"""The models at hand: one on the device, some in RAM, one perhaps on its way from the disk."""

import gc
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from engine.diffusion.device import Device
from engine.diffusion.loader import LoadedModel, ModelLoader, NoRoomToPreload
from engine.diffusion.warm_models import WarmModels
from engine.jobs.request import Recipe
from engine.memory.plan import Stage
from engine.models.catalogue import Model

log = logging.getLogger(__name__)


class ModelCache:
    """Has the model that is asked for on the device. All of it belongs to the painter's thread."""

    def __init__(self, device: Device, loader: ModelLoader, shelf: WarmModels) -> None:
        self._device = device
        self._loader = loader
        self._shelf = shelf
        self._coming: tuple[Model, Future[LoadedModel]] | None = None
        self.loaded: LoadedModel | None = None

    def have(self, model: Model, loaded_in: Callable[[float], None]) -> LoadedModel:
        """Have `model` in use; the one before it goes to the shelf.

        Args:
            model: Which.
            loaded_in: Told how many seconds it took, if it was not there already.

        Raises:
            ModelUnavailable: It cannot be loaded. The one before it is as good as ever.
        """
        if self.loaded is not None and self.loaded.model == model:
            return self.loaded
        begun = time.monotonic()
        waiting = self._awaited(model) or self._shelf.take(model)
        if self.loaded is not None:
            if self.loaded.parts.movable:
                self._shelf.put(self.loaded)
            self.loaded = None
            self._free_memory()
        self.loaded = waiting or self._load(model)
        loaded_in(time.monotonic() - begun)
        return self.loaded

    def expect(self, model: Model) -> None:
        """Begin to load `model` beside the work, if there is room for it in RAM."""
        if self._coming is not None and self._coming[1].done():
            self._shelve(*self._coming)
        in_use = self.loaded is not None and self.loaded.model == model
        if in_use or model in self._shelf or self._coming is not None:
            return
        coming: Future[LoadedModel] = Future()
        self._coming = (model, coming)

        def load() -> None:
            try:
                coming.set_result(self._loader.load(model, self._only_if_free, early=True))
            except BaseException as error:
                coming.set_exception(error)

        # A daemon, since nothing interrupts a download: who stops the program leaves it behind.
        threading.Thread(target=load, name=f"load {model.name}", daemon=True).start()

    def forget(self, name: str) -> None:
        """Let go of the model of that name, wherever it is."""
        self._shelf.forget(name)
        if self._coming is not None and self._coming[0].name == name:
            self._coming = None
        if self.loaded is not None and self.loaded.model.name == name:
            self.loaded = None
            self._free_memory()

    def suit(self, recipe: Recipe) -> None:
        """Have the plan of the model in use made for pictures like `recipe`'s."""
        loaded = self._in_use()
        guided = recipe.guidance_scale > 1
        if loaded.memory.consider(recipe.width, recipe.height, guided=guided):
            self._follow_plan(loaded)

    def lower(self, stage: Stage, rows: int = 1) -> bool:
        """Take the next rung down, after memory ran out with so many pictures at once.

        Returns whether there is one.
        """
        loaded = self.loaded
        if loaded is None:  # a rung that asked for other weights could not be loaded
            return False
        loaded.parts.retire()
        self._free_memory()
        if not loaded.memory.give_up(stage, rows):
            return False
        self._follow_plan(loaded)
        return True

    def _in_use(self) -> LoadedModel:
        assert self.loaded is not None, "`have` comes first"
        return self.loaded

    def _follow_plan(self, loaded: LoadedModel) -> None:
        """Arrange the weights anew, or load them anew when they have to be others."""
        if not loaded.outgrown:
            loaded.follow_plan()
            return
        model, memory = loaded.model, loaded.memory
        loaded.parts.retire()
        self.loaded = None
        del loaded
        self._free_memory()
        self.loaded = self._loader.load(model, self._make_room, memory)

    def _awaited(self, model: Model) -> LoadedModel | None:
        """The model that is on its way, once it is here, if it is this one and it came through."""
        if self._coming is None:
            return None
        expected, coming = self._coming
        if expected != model and not coming.done():
            return None
        self._shelve(expected, coming)
        return self._shelf.take(model)

    def _shelve(self, expected: Model, coming: Future[LoadedModel]) -> None:
        """Put the model that was on its way on the shelf, if it came through."""
        self._coming = None
        try:
            self._shelf.put(coming.result())
        except Exception as error:
            # What is wrong with it shows again, and is told, when it is its turn.
            log.info("%s was not loaded early: %s", expected.name, error)

    def _load(self, model: Model) -> LoadedModel:
        return self._loader.load(model, self._make_room)

    def _make_room(self, nbytes: int) -> None:
        self._shelf.make_room(nbytes)
        self._free_memory()

    def _only_if_free(self, nbytes: int) -> None:
        if self._device.facts().ram_free_bytes < nbytes:
            raise NoRoomToPreload

    def _free_memory(self) -> None:
        gc.collect()
        self._device.release()
