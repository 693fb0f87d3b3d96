"""LoRAs in a loaded pipeline: each is loaded once, and every row of a batch wears its own.

Rows that all wear the same go through PEFT's layers as they do in Diffusers, so a picture painted
alone is exactly the one that its pipeline paints. Batches of others are mixed by
`engine.diffusion.lora.batch`.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from engine.diffusion.lora.batch import Uses, lora_hook
from engine.diffusion.lora.loading import LoraLoader, LoraTraits
from engine.diffusion.offload import OffloadedComponents
from engine.jobs.request import AdapterUse
from engine.models.adapters import AdapterCatalogue
from engine.models.families import FamilyFacts

CAPACITY = 6
"""Adapters that are kept with a model, and on the device with it; they take 10 to 900 MB each."""


class LoraManager:
    """The adapters of one loaded pipeline."""

    def __init__(
        self,
        pipe: Any,
        parts: OffloadedComponents,
        facts: FamilyFacts,
        shelf: AdapterCatalogue,
        *,
        capacity: int = CAPACITY,
    ) -> None:
        """Take a pipeline without adapters.

        Args:
            pipe: The Diffusers pipeline.
            parts: Its components.
            facts: What is true of its family.
            shelf: Where adapters are looked up by name.
            capacity: How many are kept.
        """
        self._injector = LoraLoader(pipe, parts, facts)
        self._encoders = frozenset(facts.text_encoders)
        self._shelf = shelf
        self._capacity = capacity
        self._keys: OrderedDict[str, str] = OrderedDict()
        self._natures: dict[str, LoraTraits] = {}
        self._applied: dict[str, Uses] = {}

    def ensure(self, *uses: AdapterUse) -> None:
        """Have these adapters loaded; those that were not used for longest may go.

        Raises:
            InvalidRequest: There is none of that name, or it is for another family.
            ModelUnavailable: Its file is not there, or damaged.
        """
        for use in uses:
            if use.name not in self._keys:
                self._applied.clear()
                key, nature = self._injector.load(self._shelf[use.name])
                self._keys[use.name], self._natures[use.name] = key, nature
            self._keys.move_to_end(use.name)
        needed = {use.name for use in uses}
        spare = [name for name in self._keys if name not in needed]
        for name in spare[: max(0, len(self._keys) - self._capacity)]:
            self._applied.clear()
            self._injector.remove(self._keys.pop(name))

    def batch_key(self, uses: Uses) -> Hashable:
        """Rows with equal keys can share a batch, as far as their adapters go."""
        return None if all(self._natures[use.name].can_batch for use in uses) else uses

    def encoder_key(self, uses: Uses) -> Hashable:
        """Prompts with equal keys are read alike: the adapters that touch a text encoder."""
        return tuple(use for use in uses if self._encoders & self._natures[use.name].touches)

    @contextmanager
    def applied(self, rows: Sequence[Uses], *components: str) -> Iterator[None]:
        """Have each row of what the components compute wear its adapters.

        Args:
            rows: The adapters of each row of the batch; a single one is for all rows.
            components: Names of the components that will be called; they are not in use yet.
        """
        self.ensure(*{use for uses in rows for use in uses})
        with ExitStack() as hooks:
            for component in components:
                own = [self._touching(component, uses) for uses in rows]
                alike = len(set(own)) == 1
                self._apply(component, own[0] if alike else ())
                for layer in [] if alike else self._layers(component):
                    if (hook := lora_hook(layer, own)) is not None:
                        # Before those that send the layer's weights away again.
                        handle = layer.register_forward_hook(hook, prepend=True)
                        hooks.callback(handle.remove)
            yield

    def _layers(self, component: str) -> Sequence[Any]:
        return list(self._injector.layers.get(component, {}).values())

    def _touching(self, component: str, uses: Uses) -> Uses:
        """Of these adapters, those that change the component, by their keys."""
        return tuple(
            AdapterUse(self._keys[use.name], use.weight)
            for use in uses
            if component in self._natures[use.name].touches
        )

    def _apply(self, component: str, uses: Uses) -> None:
        """The same adapters for all rows; with none of them the layers are the model's own."""
        if self._applied.get(component) == uses:
            return
        for layer in self._layers(component):
            layer.enable_adapters(bool(uses))
            if uses:
                layer.set_adapter([use.name for use in uses], inference_mode=True)
            for use in uses:
                layer.set_scale(use.name, use.weight)
        self._applied[component] = uses
