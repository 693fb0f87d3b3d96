"""The components of a pipeline, brought to the device when they are used, as the plan says."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

import psutil
import torch
from torch import nn

from engine.diffusion.offload.streaming import StreamedModule
from engine.diffusion.offload.weights import OffloadedWeights, size_of, tensors_of
from engine.memory.plan import ComponentPlacement, Plan, Quantization, Residence

PINNED_COST = 2
"""Page-locked memory is taken in powers of two, so it may cost twice what it holds."""

SELF_MOVING = {Quantization.NF4, Quantization.INT8, Quantization.FLOAT8}
"""Weights that are more than their data (scales, quantization states) and only move as a whole."""


class OffloadablePart(Protocol):
    """A component that comes to the device and leaves it."""

    def arrive(self) -> None:
        """Have it on the device."""

    def leave(self) -> None:
        """Let go of what it takes there."""

    def detach(self) -> None:
        """Leave it in RAM as it was found."""


class WholePart:
    """A component that comes as a whole."""

    def __init__(self, module: nn.Module, device: torch.device, *, pin: bool) -> None:
        self._weights = OffloadedWeights(tensors_of(module), device, pin=pin)

    def arrive(self) -> None:
        """One transfer, unless it is there."""
        self._weights.arrive()

    def leave(self) -> None:
        """Nothing is copied."""
        self._weights.leave()

    def detach(self) -> None:
        """The masters are its weights again."""
        self._weights.leave()


class SelfMovingPart:
    """A component whose quantized weights know themselves how to move."""

    def __init__(self, module: nn.Module, device: torch.device) -> None:
        """Take a module that may have been quantized on the device: it waits in RAM first."""
        self._module = module
        self._device = device
        self.leave()

    def arrive(self) -> None:
        """Moved by its own `to`."""
        self._move(self._device)

    def leave(self) -> None:
        """Copied back, since it has no master in RAM."""
        self._move(torch.device("cpu"))

    def detach(self) -> None:
        """Back in RAM."""
        self.leave()

    def _move(self, device: torch.device) -> None:
        # Parameters are ordinary tensors: torchao's cannot be swapped for inference tensors.
        with torch.inference_mode(False), torch.no_grad():
            self._module.to(device)


class PinnedPart:
    """A component that cannot leave the device on which it was quantized: LLM.int8()."""

    def arrive(self) -> None:
        """It is there."""

    def leave(self) -> None:
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
        self._guests: dict[str, OffloadablePart] = {}
        self._invitations: dict[str, Callable[[], OffloadablePart]] = {}
        self._staying: set[str] = set()
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
        """Whether all of it can leave the device."""
        return not any(isinstance(guest, PinnedPart) for guest in self._guests.values())

    def apply(self, plan: Plan) -> None:
        """Let the components live as `plan` says, beginning with all of them in RAM."""
        self.detach()
        free = psutil.virtual_memory().available
        pin = self.device.type == "cuda" and PINNED_COST * self.nbytes < free
        for name, module in self._modules.items():
            place = plan.places.get(name) or _visitor(self.nbytes)
            self._invitations[name] = partial(_guest, module, self.device, place, pin=pin)
            self._guests[name] = self._invitations[name]()
            if place.residence is Residence.STAYS:
                self._staying.add(name)

    def detach(self) -> None:
        """Leave every component in RAM as it was found."""
        for guest in self._guests.values():
            guest.detach()
        self._guests.clear()
        self._staying.clear()

    @contextmanager
    def altering(self, *names: str) -> Iterator[None]:
        """Have these components as they were found, to put layers in them or take some out."""
        changing = [name for name in names if name in self._guests]
        for name in changing:
            self._guests[name].detach()
        try:
            yield
        finally:
            for name in changing:
                self._guests[name] = self._invitations[name]()

    def retire(self) -> None:
        """Let go of the device; what is used again comes back by itself."""
        for guest in self._guests.values():
            guest.leave()

    @contextmanager
    def use(self, *names: str) -> Iterator[None]:
        """Have these components on the device; names that the pipeline lacks are passed over.

        A visitor leaves when another one is called; what stays disturbs nobody.
        """
        if any(name in self._guests and name not in self._staying for name in names):
            for name, guest in self._guests.items():
                if name not in names and name not in self._staying:
                    guest.leave()
        for name in names:
            if name in self._guests:
                self._guests[name].arrive()
        yield


def _visitor(nbytes: int) -> ComponentPlacement:
    return ComponentPlacement(
        residence=Residence.VISITS, weight_bytes=nbytes, resident_bytes=nbytes
    )


def _guest(
    module: nn.Module, device: torch.device, place: ComponentPlacement, *, pin: bool
) -> OffloadablePart:
    if place.quantization is Quantization.BNB8:
        return PinnedPart()
    if place.quantization in SELF_MOVING:
        return SelfMovingPart(module, device)
    if place.residence is not Residence.STREAMS:
        return WholePart(module, device, pin=pin)
    return StreamedModule(
        module,
        device,
        resident_bytes=place.resident_bytes,
        layer_by_layer=place.layer_by_layer,
        pin=pin,
    )
