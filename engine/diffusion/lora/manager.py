"""The LoRAs of a loaded pipeline: each is loaded once, and every row of a batch has its own.

If all rows have the same, PEFT's layers apply them as in Diffusers, so a picture painted alone is
exactly the one that its pipeline paints. `engine.diffusion.lora.batch` applies different ones, and
those with DoRA.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from engine.diffusion.lora.batch import Uses, lora_hook
from engine.diffusion.lora.loading import Gains, LoraLoader, LoraTraits
from engine.diffusion.offload import AccelerateOffload, OffloadedComponents
from engine.hub.lora_files import unreadable
from engine.jobs.recipe import AdapterUse
from engine.models.adapters import AdapterCatalogue
from engine.models.families import FamilyFacts

CAPACITY = 6
"""Adapters that stay loaded, on the device with their model; each takes 10 to 900 MB."""


class LoraManager:
    """The adapters of one loaded pipeline."""

    def __init__(
        self,
        pipe: Any,
        components: OffloadedComponents | AccelerateOffload,
        facts: FamilyFacts,
        catalogue: AdapterCatalogue,
        *,
        capacity: int = CAPACITY,
    ) -> None:
        """Take a pipeline without adapters.

        Args:
            pipe: The Diffusers pipeline.
            components: Its components.
            facts: The facts of its family.
            catalogue: Where adapters are looked up by name.
            capacity: How many stay loaded.
        """
        self._loader = LoraLoader(pipe, components, facts)
        self._encoders = frozenset(facts.text_encoders)
        self._catalogue = catalogue
        self._capacity = capacity
        self._sources: dict[str, str] = {}
        self._keys: OrderedDict[str, str] = OrderedDict()
        self._traits: dict[str, LoraTraits] = {}
        self._gains: dict[str, Gains] = {}
        self._applied: dict[str, Uses] = {}

    def ensure(self, *uses: AdapterUse) -> None:
        """Load these adapters; the least recently used ones may be unloaded.

        Raises:
            InvalidRequest: There is none of that name, or it is for another family.
            ModelUnavailable: Its file is missing or damaged.
        """
        for use in uses:
            adapter = self._catalogue[use.name]
            if use.name in self._keys and self._sources[use.name] != adapter.source:
                self._unload(use.name)  # another one has the name now
            if use.name not in self._keys:
                self._applied.clear()
                file = self._catalogue.file_of(adapter)
                try:
                    key, traits, gains = self._loader.load(adapter, file)
                except OSError as error:  # it was removed just now
                    raise unreadable(file.name, error) from error
                self._keys[use.name], self._traits[use.name] = key, traits
                self._gains[key] = gains
                self._sources[use.name] = adapter.source
            self._keys.move_to_end(use.name)
        needed = {use.name for use in uses}
        spare = [name for name in self._keys if name not in needed]
        for name in spare[: max(0, len(self._keys) - self._capacity)]:
            self._unload(name)

    def _unload(self, name: str) -> None:
        self._applied.clear()
        key = self._keys.pop(name)
        self._gains.pop(key)
        self._loader.remove(key)

    def batch_key(self, uses: Uses) -> Hashable:
        """Rows with equal keys can share a batch, as far as adapters are concerned."""
        return None if all(self._traits[use.name].can_batch for use in uses) else uses

    def encoder_key(self, uses: Uses) -> tuple[tuple[AdapterUse, str], ...]:
        """The adapters that change a text encoder: with equal ones a prompt is encoded alike."""
        return tuple(
            (use, self._sources[use.name])
            for use in uses
            if self._encoders & self._traits[use.name].components
        )

    @contextmanager
    def applied(self, rows: Sequence[Uses], *components: str) -> Iterator[None]:
        """Apply each row's adapters while the components compute.

        Args:
            rows: The adapters of each row of the batch; a single entry is for all rows.
            components: Names of the components that will be called; they aren't in use yet.
        """
        self.ensure(*{use for uses in rows for use in uses})
        with ExitStack() as hooks:
            for component in components:
                own = [self._changing(component, uses) for uses in rows]
                by_peft = len(set(own)) == 1 and not any(
                    self._gains.get(use.name) for use in own[0]
                )
                self._apply(component, own[0] if by_peft else ())
                for layer in [] if by_peft else self._layers(component):
                    gains = {
                        key: gain
                        for key, by_layer in self._gains.items()
                        if (gain := by_layer.get(layer)) is not None
                    }
                    if (hook := lora_hook(layer, own, gains)) is not None:
                        # Before the hooks that move the layer's weights off the device.
                        handle = layer.register_forward_hook(hook, prepend=True)
                        hooks.callback(handle.remove)
            yield

    def _layers(self, component: str) -> Sequence[Any]:
        return list(self._loader.layers.get(component, {}).values())

    def _changing(self, component: str, uses: Uses) -> Uses:
        """The adapters that change the component, by their PEFT names."""
        return tuple(
            AdapterUse(self._keys[use.name], use.weight)
            for use in uses
            if component in self._traits[use.name].components
        )

    def _apply(self, component: str, uses: Uses) -> None:
        """Apply the same adapters to all rows; with none the layers are the model's own."""
        if self._applied.get(component) == uses:
            return
        for layer in self._layers(component):
            layer.enable_adapters(bool(uses))
            if uses:
                layer.set_adapter([use.name for use in uses], inference_mode=True)
            for use in uses:
                layer.set_scale(use.name, use.weight)
        self._applied[component] = uses
