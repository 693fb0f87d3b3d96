"""Models that were used lately, kept in RAM: going back to one costs a transfer, not a load."""

from collections import OrderedDict
from collections.abc import Callable

from engine.diffusion.loader import LoadedModel
from engine.models.catalogue import Model


class WarmModels:
    """Loaded models besides the one in use, the one used last at the end."""

    def __init__(self, bound: int | None, free: Callable[[], int]) -> None:
        """Make an empty shelf.

        Args:
            bound: Bytes of RAM that its models may take all together; `None` for as many as leave
                room for others.
            free: Bytes of RAM that models may still take.
        """
        self._bound = bound
        self._free = free
        self._models: OrderedDict[Model, LoadedModel] = OrderedDict()

    def __contains__(self, model: object) -> bool:
        return model in self._models

    def take(self, model: Model) -> LoadedModel | None:
        """Take the model from the shelf, if it stands there."""
        return self._models.pop(model, None)

    def put(self, loaded: LoadedModel) -> None:
        """Put a model there, off the device; those used longest ago may have to go."""
        loaded.parts.retire()
        self._models[loaded.model] = loaded
        while self._bound is not None and self._models and self._taken() > self._bound:
            self._models.popitem(last=False)

    def make_room(self, nbytes: int) -> bool:
        """Let models go until `nbytes` of RAM are free. Returns whether they are."""
        while self._models and self._free() < nbytes:
            self._models.popitem(last=False)
        return self._free() >= nbytes

    def forget(self, name: str) -> None:
        """Let the model of that name go."""
        for model in [model for model in self._models if model.name == name]:
            del self._models[model]

    def _taken(self) -> int:
        return sum(loaded.parts.nbytes for loaded in self._models.values())
