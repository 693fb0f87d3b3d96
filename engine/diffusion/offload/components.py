"""The components of a pipeline, moved to the device when they are used, as the plan says."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

import torch
from torch import nn

from engine.diffusion.offload.streaming import StreamedModule
from engine.diffusion.offload.weights import OffloadedWeights, size_of, tensors_of
from engine.memory.plan import ComponentPlacement, Plan, Quantization, Residence

SELF_MOVING = {Quantization.NF4, Quantization.INT8, Quantization.FLOAT8}
"""Weights that are more than their data (scales, quantization states) and only move as a whole."""


class OffloadablePart(Protocol):
    """A component that can be moved to the device and off it."""

    def to_device(self) -> None:
        """Move it to the device, unless it's there."""

    def to_cpu(self) -> None:
        """Free what it takes on the device."""

    def detach(self) -> None:
        """Leave it in RAM as it was found."""


class WholePart:
    """A component that moves as a whole."""

    def __init__(self, module: nn.Module, device: torch.device, *, pin: bool) -> None:
        self._weights = OffloadedWeights(tensors_of(module), device, pin=pin)

    def to_device(self) -> None:
        """One transfer, unless it's there."""
        self._weights.to_device()

    def to_cpu(self) -> None:
        """Nothing is copied."""
        self._weights.to_cpu()

    def detach(self) -> None:
        """The masters are its weights again."""
        self._weights.to_cpu()


class SelfMovingPart:
    """A component whose quantized weights know how to move."""

    def __init__(self, module: nn.Module, device: torch.device) -> None:
        """Take a module that may have been quantized on the device: it starts in RAM."""
        self._module = module
        self._device = device
        self.to_cpu()

    def to_device(self) -> None:
        """Moved by its own `to`."""
        self._move(self._device)

    def to_cpu(self) -> None:
        """Copied back, since it has no master in RAM."""
        self._move(torch.device("cpu"))

    def detach(self) -> None:
        """Back in RAM."""
        self.to_cpu()

    def _move(self, device: torch.device) -> None:
        # Parameters are ordinary tensors: torchao's can't be swapped for inference tensors.
        with torch.inference_mode(False), torch.no_grad():
            self._module.to(device)


class PinnedPart:
    """A component that can't leave the device on which it was quantized: LLM.int8()."""

    def to_device(self) -> None:
        """It's there."""

    def to_cpu(self) -> None:
        """It stays."""

    def detach(self) -> None:
        """It stays."""


class OffloadedComponents:
    """The components of a pipeline by name."""

    def __init__(self, pipe: Any, device: torch.device, plan: Plan | None = None) -> None:
        """Take a pipeline whose weights are in RAM.

        Args:
            pipe: The Diffusers pipeline.
            device: Where its components compute.
            plan: Where they live; without one they live on the device.
        """
        self.device = device
        self._modules: dict[str, nn.Module] = {
            name: part for name, part in pipe.components.items() if isinstance(part, nn.Module)
        }
        self._parts: dict[str, OffloadablePart] = {}
        self._make_part: dict[str, Callable[[], OffloadablePart]] = {}
        self._resident: set[str] = set()
        if plan is None:
            for module in self._modules.values():
                module.to(device)
        else:
            self.apply(plan)

    @property
    def nbytes(self) -> int:
        """Bytes of all weights, which is what the pipeline takes in RAM."""
        return sum(size_of(module) for module in self._modules.values())

    @property
    def movable(self) -> bool:
        """Whether all of it can be moved off the device."""
        return not any(isinstance(part, PinnedPart) for part in self._parts.values())

    def apply(self, plan: Plan) -> None:
        """Place the components as `plan` says, beginning with all of them in RAM."""
        self.detach()
        for name, module in self._modules.items():
            place = plan.places.get(name) or _offloaded(self.nbytes)
            self._make_part[name] = partial(_part, module, self.device, place)
            self._parts[name] = self._make_part[name]()
            if place.residence is Residence.RESIDENT:
                self._resident.add(name)

    def detach(self) -> None:
        """Leave every component in RAM as it was found."""
        for part in self._parts.values():
            part.detach()
        self._parts.clear()
        self._resident.clear()

    @contextmanager
    def altering(self, *names: str) -> Iterator[None]:
        """Have these components as they were found, to add layers to them or remove some."""
        changing = [name for name in names if name in self._parts]
        for name in changing:
            self._parts[name].detach()
        try:
            yield
        finally:
            for name in changing:
                self._parts[name] = self._make_part[name]()

    def release(self) -> None:
        """Move everything off the device; what is used again comes back by itself."""
        for part in self._parts.values():
            part.to_cpu()

    @contextmanager
    def use(self, *names: str) -> Iterator[None]:
        """Have these components on the device; names that the pipeline lacks are ignored.

        An offloaded component makes room for the next offloaded one; resident ones stay.
        """
        if any(name in self._parts and name not in self._resident for name in names):
            for name, part in self._parts.items():
                if name not in names and name not in self._resident:
                    part.to_cpu()
        for name in names:
            if name in self._parts:
                self._parts[name].to_device()
        yield


def _offloaded(nbytes: int) -> ComponentPlacement:
    return ComponentPlacement(
        residence=Residence.OFFLOADED, weight_bytes=nbytes, resident_bytes=nbytes
    )


def _part(module: nn.Module, device: torch.device, place: ComponentPlacement) -> OffloadablePart:
    if place.quantization is Quantization.BNB8:
        return PinnedPart()
    if place.quantization in SELF_MOVING:
        return SelfMovingPart(module, device)
    if place.residence is not Residence.STREAMED:
        return WholePart(module, device, pin=place.pinned)
    return StreamedModule(
        module,
        device,
        resident_bytes=place.resident_bytes,
        layer_by_layer=place.layer_by_layer,
        pin=place.pinned,
    )
