"""Loads LoRAs into the components of a pipeline, and removes them."""

import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import torch
from diffusers.utils.peft_utils import recurse_remove_peft_layers
from peft.tuners.tuners_utils import BaseTunerLayer

from engine.diffusion.build_lock import BUILD_LOCK
from engine.diffusion.lora.batch import can_batch
from engine.diffusion.lora.dora import Gain, take_gain
from engine.diffusion.lora.factors import LoraFile, read_factors
from engine.diffusion.lora.injection import (
    configured_scales,
    inject,
    missing,
    placed,
    require_shape,
    tensors_of,
    written,
)
from engine.diffusion.lora.names import LayerNames
from engine.diffusion.offload import AccelerateOffload, OffloadedComponents
from engine.diffusion.oom import out_of_memory
from engine.errors import InvalidRequest
from engine.hub.tensor_headers import read_safetensors
from engine.models.adapters import Adapter
from engine.models.families import FamilyFacts
from speech import say

log = logging.getLogger(__name__)


Gains = Mapping[Any, Gain]
"""What DoRA adds, by PEFT layer."""


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

    def __init__(
        self, pipe: Any, components: OffloadedComponents | AccelerateOffload, facts: FamilyFacts
    ) -> None:
        """Take a pipeline without adapters."""
        self.layers: Mapping[str, Mapping[str, Any]] = {}
        self._pipe = pipe
        self._offloaded = components
        self._facts = facts
        self._label = facts.label
        self._names = (facts.denoiser, *facts.text_encoders)
        self._numbers = count()
        self._keys: set[str] = set()

    def load(self, adapter: Adapter, file: Path) -> tuple[str, LoraTraits, Gains]:
        """Load an adapter from its file; returns its PEFT name, its traits, and what DoRA adds.

        Raises:
            InvalidRequest: It is for another family, nothing here reads a part of it, or not all
                of its numbers are finite.
            ModelUnavailable: The file is damaged.
        """
        if not hasattr(self._pipe, "load_lora_weights"):
            raise InvalidRequest(
                say("{family} models can't use LoRAs. Remove the LoRA.", family=self._label)
            )
        read_safetensors(file)
        names = LayerNames(self._components(), self._facts)
        key = f"adapter_{next(self._numbers):06d}"
        try:
            with torch.inference_mode(False), torch.no_grad():
                tensors = tensors_of(file)
                _require_finite(adapter, tensors.values())
                read = read_factors(tensors, names.shape_of)
                read = configured_scales(file, read, names)
        except (RuntimeError, ValueError, KeyError) as error:
            raise self._misfit(adapter) from error
        _require_readable(adapter, read)
        failure = self._inject(read, names, key)
        adapted = {
            (component, name): layer
            for component, layers in self.layers.items()
            for name, layer in layers.items()
            if key in _keys_of(layer)
        }
        unused = missing(read, adapted.values(), key)
        if failure is not None or not _complete(adapted.values(), key) or unused:
            self.remove(key)
            if failure is not None or 2 * len(unused) >= len(read.factors):
                raise self._misfit(adapter) from failure
            raise _unread(adapter, unused)
        gains = self._take_gains(read, adapted.values(), key)
        log.info("Loaded the LoRA %s: %d layers", adapter.name, len(adapted))
        components = frozenset(component for component, _ in adapted)
        batchable = all(can_batch(name, layer, key) for (_, name), layer in adapted.items())
        return key, LoraTraits(components, batchable), gains

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
                for component in self._components().values():
                    if hasattr(component, "peft_config"):
                        recurse_remove_peft_layers(component)
                        del component.peft_config

    def _misfit(self, adapter: Adapter) -> InvalidRequest:
        return InvalidRequest(
            say(
                "The LoRA “{lora}” can't be used. It wasn't made for {family} models, its "
                "layers have names that Atelier doesn't know, or its file is damaged.",
                lora=adapter.name,
                family=self._label,
            )
        )

    def _inject(self, read: LoraFile, names: LayerNames, key: str) -> Exception | None:
        """Put the factors into their layers; returns the error if they don't fit.

        Names that aren't those of a layer are left to Diffusers, which knows those of other
        programs, some of which have several layers in one.
        """
        self._keys.add(key)
        found = placed(read, names)
        known = {name for layers in found.values() for name in layers.values()}
        rest = {name: own for name, own in read.factors.items() if name not in known}
        magnitudes = read.has_magnitudes
        try:
            with self._altering(), ExitStack() as stack:
                for component in self._components().values():
                    stack.enter_context(_in_compute_dtype(component))
                for component, layers in found.items():
                    factors = {layer: read.factors[name] for layer, name in layers.items()}
                    for layer, name in layers.items():
                        require_shape(factors[layer], names.shape_of(name))
                    inject(self._components()[component], factors, key, magnitudes=magnitudes)
                if rest or read.other:
                    tensors = written(self._pipe, read, rest, names.denoiser)
                    self._pipe.load_lora_weights(tensors, adapter_name=key)
        except OSError:
            self.remove(key)
            raise
        except Exception as error:  # a file that doesn't fit may raise anything
            if out_of_memory(error):
                self.remove(key)
                raise
            return error
        return None

    def _take_gains(self, read: LoraFile, layers: Iterable[Any], key: str) -> Gains:
        if not read.has_magnitudes:
            return {}
        with self._altering():
            gains = {layer: take_gain(layer, key) for layer in layers}
        return {layer: gain for layer, gain in gains.items() if gain is not None}

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


def _complete(layers: Iterable[Any], key: str) -> bool:
    """Whether every weight of the adapter came from its file."""
    weights = [p for layer in layers for name, p in layer.named_parameters() if key in name]
    return bool(weights) and not any(weight.is_meta for weight in weights)


def _require_finite(adapter: Adapter, tensors: Iterable[torch.Tensor]) -> None:
    """Raises `InvalidRequest` if pictures with these numbers would be black."""
    if not all(torch.isfinite(tensor).all() for tensor in tensors):
        raise InvalidRequest(
            say(
                "The LoRA “{lora}” is damaged: some of its numbers aren't finite, so pictures with "
                "it would be black. Choose another LoRA.",
                lora=adapter.name,
            )
        )


def _require_readable(adapter: Adapter, read: LoraFile) -> None:
    """Raises `InvalidRequest` if the file has something that would be left out."""
    if read.kind is not None:
        raise InvalidRequest(
            say(
                "The LoRA “{lora}” is of the kind {kind}, which Atelier can't use. Choose "
                "another LoRA.",
                lora=adapter.name,
                kind=read.kind,
            )
        )
    if read.unread and read.factors:
        raise _unread(adapter, read.unread)


def _unread(adapter: Adapter, names: Sequence[str]) -> InvalidRequest:
    return InvalidRequest(
        say(
            "The LoRA “{lora}” can't be used as it's meant, because {count} of its parts aren't "
            "supported, such as {part}. Choose another LoRA.",
            lora=adapter.name,
            count=len(names),
            part=names[0],
        )
    )
