"""Puts LoRAs into the components of a loaded pipeline, and takes them out again."""

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
from engine.hub.lora_files import adapter_file
from engine.hub.tensor_headers import read_safetensors
from engine.models.adapters import Adapter
from engine.models.families import FamilyFacts
from speech import say

log = logging.getLogger(__name__)

SECOND_FACTORS = ("lora_B.weight", "lora_up.weight", "lora.up.weight", "lokr_w1", "lokr_w1_a")
"""Endings of the names in a file of which every adapted layer has one."""


@dataclass(frozen=True, slots=True)
class LoraTraits:
    """What is known of an adapter once it has been loaded.

    Attributes:
        touches: Names of the components that it changes.
        can_batch: Whether it may be in a batch with rows that do not wear it.
    """

    touches: frozenset[str]
    can_batch: bool


class LoraLoader:
    """The adapted layers of one pipeline.

    Attributes:
        layers: PEFT's layers by their names, for each component.
    """

    def __init__(self, pipe: Any, parts: OffloadedComponents, facts: FamilyFacts) -> None:
        """Take a pipeline without adapters."""
        self.layers: Mapping[str, Mapping[str, Any]] = {}
        self._pipe = pipe
        self._parts = parts
        self._label = facts.label
        self._names = (facts.denoiser, *facts.text_encoders)
        self._numbers = count()
        self._keys: set[str] = set()

    def load(self, adapter: Adapter) -> tuple[str, LoraTraits]:
        """Load an adapter: the key that PEFT knows it by, and what is known of it now.

        Raises:
            InvalidRequest: It is for another family.
            ModelUnavailable: Its file is not there, or damaged.
        """
        if not hasattr(self._pipe, "load_lora_weights"):
            raise InvalidRequest(
                say("{family} models can't use LoRAs. Remove the LoRA.", family=self._label)
            )
        file = adapter_file(adapter.source)
        expected = sum(t.name.endswith(SECOND_FACTORS) for t in read_safetensors(file))
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
        touches = frozenset(component for component, own in found.items() if own)
        return key, LoraTraits(
            touches, all(can_batch(name, adapted[name], key) for name in adapted)
        )

    def remove(self, key: str) -> None:
        """Take an adapter out again, and with the last one all traces of any."""
        self._keys.discard(key)
        with self._altering():
            for component in self._components().values():
                for layer in _adapted(component).values():
                    layer.delete_adapter(key)
                getattr(component, "peft_config", {}).pop(key, None)
            if not self._keys:
                self._pipe.unload_lora_weights()

    def _inject(self, file: Path, key: str) -> Exception | None:
        """Let Diffusers load the file; what it stumbles upon when that does not fit."""
        self._keys.add(key)
        try:
            with self._altering():
                self._pipe.load_lora_weights(
                    str(file.parent), weight_name=file.name, adapter_name=key
                )
        except OSError:
            self.remove(key)
            raise
        except Exception as error:  # whatever the first surprise happens to be
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
        """Have the components as they were found; their weights are to be ordinary tensors."""
        with ExitStack() as stack:
            stack.enter_context(BUILD_LOCK)
            stack.enter_context(self._parts.altering(*self._names))
            stack.enter_context(torch.inference_mode(False))
            for component in self._components().values():
                stack.enter_context(_as_computed(component))
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")  # PEFT's, of a second adapter and of keys left over
            try:
                yield
            finally:
                self.layers = {
                    name: _adapted(component) for name, component in self._components().items()
                }


@contextmanager
def _as_computed(component: Any) -> Iterator[None]:
    """Have weights that are kept as float8 look like those that the layers compute with.

    PEFT gives an adapter the type of the layer's weights, and most of it would vanish in float8.
    """
    kept = [
        (weight, weight.data)
        for weight in component.parameters()
        if weight.is_floating_point() and weight.dtype.itemsize == 1
    ]
    dtype = component.dtype if component.dtype.itemsize > 1 else torch.bfloat16
    for weight, data in kept:
        weight.data = data.new_empty((), dtype=dtype).expand(data.shape)
    try:
        yield
    finally:
        for weight, data in kept:
            weight.data = data


def _adapted(component: Any) -> dict[str, Any]:
    return {
        name: module
        for name, module in component.named_modules()
        if isinstance(module, BaseTunerLayer)
    }


def _keys_of(layer: Any) -> set[str]:
    """The adapters that a layer has weights of."""
    return {key for name in layer.adapter_layer_names for key in getattr(layer, name)}


def _complete(layers: Mapping[str, Any], key: str) -> bool:
    """Whether every weight of the adapter came from its file."""
    weights = [
        p for layer in layers.values() for name, p in layer.named_parameters() if key in name
    ]
    return bool(weights) and not any(weight.is_meta for weight in weights)
