"""Loads LoRAs into the components of a pipeline, and removes them."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer

from engine.diffusion.build_lock import BUILD_LOCK
from engine.diffusion.lora.batch import can_batch
from engine.diffusion.offload import OffloadedComponents
from engine.diffusion.oom import out_of_memory
from engine.errors import InvalidRequest
from engine.hub.tensor_headers import read_safetensors
from engine.models.adapters import Adapter
from engine.models.families import FamilyFacts
from speech import say

log = logging.getLogger(__name__)

UP_WEIGHTS = ("lora_B.weight", "lora_up.weight", "lora.up.weight", "lokr_w1", "lokr_w1_a")
"""Suffixes of tensor names; a file has one such tensor for every adapted layer."""


@dataclass(frozen=True, slots=True)
class LoraTraits:
    """What is known of an adapter once it is loaded.

    Attributes:
        components: Names of the components that it changes.
        can_batch: Whether it can be in a batch with rows that don't have it.
    """

    components: frozenset[str]
    can_batch: bool


class LoraLoader:
    """Loads LoRAs into one pipeline.

    Attributes:
        layers: The PEFT layers by name, for each component.
    """

    def __init__(self, pipe: Any, components: OffloadedComponents, facts: FamilyFacts) -> None:
        """Take a pipeline without adapters."""
        self.layers: Mapping[str, Mapping[str, Any]] = {}
        self._pipe = pipe
        self._offloaded = components
        self._label = facts.label
        self._names = (facts.denoiser, *facts.text_encoders)
        self._numbers = count()
        self._keys: set[str] = set()

    def load(self, adapter: Adapter, file: Path) -> tuple[str, LoraTraits]:
        """Load an adapter from its file; returns its PEFT name and traits.

        Raises:
            InvalidRequest: It is for another family.
            ModelUnavailable: The file is damaged.
        """
        if not hasattr(self._pipe, "load_lora_weights"):
            raise InvalidRequest(
                say("{family} models can't use LoRAs. Remove the LoRA.", family=self._label)
            )
        expected = sum(t.name.endswith(UP_WEIGHTS) for t in read_safetensors(file))
        key = f"adapter_{next(self._numbers):06d}"
        failure = self._inject(file, key)
        found = {
            component: {name: layer for name, layer in layers.items() if key in _keys_of(layer)}
            for component, layers in self.layers.items()
        }
        adapted = {name: layer for own in found.values() for name, layer in own.items()}
        if failure is not None or 2 * len(adapted) < expected or not _complete(adapted, key):
            self.remove(key)
            raise InvalidRequest(
                say(
                    "The LoRA “{lora}” can't be used. It wasn't made for {family} models, or "
                    "its file is damaged.",
                    lora=adapter.name,
                    family=self._label,
                )
            ) from failure
        log.info("Loaded the LoRA %s: %d layers", adapter.name, len(adapted))
        components = frozenset(component for component, own in found.items() if own)
        return key, LoraTraits(
            components, all(can_batch(name, adapted[name], key) for name in adapted)
        )

    def remove(self, key: str) -> None:
        """Remove an adapter, and with the last one all of PEFT's layers."""
        self._keys.discard(key)
        with self._altering():
            for component in self._components().values():
                for layer in _adapted(component).values():
                    layer.delete_adapter(key)
                getattr(component, "peft_config", {}).pop(key, None)
            if not self._keys:
                self._pipe.unload_lora_weights()

    def _inject(self, file: Path, key: str) -> Exception | None:
        """Have Diffusers load the file; returns the error if it doesn't fit."""
        self._keys.add(key)
        try:
            with self._altering():
                self._pipe.load_lora_weights(
                    str(file.parent), weight_name=file.name, adapter_name=key
                )
        except OSError:
            self.remove(key)
            raise
        except Exception as error:  # a file that doesn't fit may raise anything
            if out_of_memory(error):
                self.remove(key)
                raise
            return error
        return None

    def _components(self) -> dict[str, Any]:
        found = {name: getattr(self._pipe, name, None) for name in self._names}
        return {name: component for name, component in found.items() if component is not None}

    @contextmanager
    def _altering(self) -> Iterator[None]:
        """Have the components as they were found, with ordinary tensors as weights."""
        with ExitStack() as stack:
            stack.enter_context(BUILD_LOCK)
            stack.enter_context(self._offloaded.altering(*self._names))
            stack.enter_context(torch.inference_mode(False))
            for component in self._components().values():
                stack.enter_context(_in_compute_dtype(component))
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")  # PEFT's, about a second adapter and unused keys
            try:
                yield
            finally:
                self.layers = {
                    name: _adapted(component) for name, component in self._components().items()
                }


@contextmanager
def _in_compute_dtype(component: Any) -> Iterator[None]:
    """Have weights that are stored as float8 look like those that the layers compute with.

    PEFT gives an adapter the dtype of the layer's weights, and most of it would vanish in float8.
    """
    stored = [
        (weight, weight.data)
        for weight in component.parameters()
        if weight.is_floating_point() and weight.dtype.itemsize == 1
    ]
    dtype = component.dtype if component.dtype.itemsize > 1 else torch.bfloat16
    for weight, data in stored:
        weight.data = data.new_empty((), dtype=dtype).expand(data.shape)
    try:
        yield
    finally:
        for weight, data in stored:
            weight.data = data


def _adapted(component: Any) -> dict[str, Any]:
    return {
        name: module
        for name, module in component.named_modules()
        if isinstance(module, BaseTunerLayer)
    }


def _keys_of(layer: Any) -> set[str]:
    """The adapters that a layer has weights for."""
    return {key for name in layer.adapter_layer_names for key in getattr(layer, name)}


def _complete(layers: Mapping[str, Any], key: str) -> bool:
    """Whether every weight of the adapter came from its file."""
    weights = [
        p for layer in layers.values() for name, p in layer.named_parameters() if key in name
    ]
    return bool(weights) and not any(weight.is_meta for weight in weights)
