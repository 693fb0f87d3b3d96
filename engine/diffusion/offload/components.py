"""The components of a pipeline, moved to the device when they are used, as the plan says."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import nn

from engine.diffusion.offload.streaming import StreamedModule
from engine.diffusion.offload.usage import Usage, peak_bytes, reset_peak
from engine.diffusion.offload.weights import OffloadedWeights, added_bytes, size_of, tensors_of
from engine.memory.components import Component
from engine.memory.pinning import SELF_MOVING
from engine.memory.plan import ComponentPlacement, Plan, Quantization, Residence, Stage


class OffloadablePart(Protocol):
    """A component that can be moved to the device and off it."""

    @property
    def device_bytes(self) -> int:
        """Bytes of its weights on the device now."""

    @property
    def working_device_bytes(self) -> int | None:
        """The most of them that are there while it works; `None` if that says little."""

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

    @property
    def device_bytes(self) -> int:
        """All or none."""
        return self._weights.device_bytes

    @property
    def working_device_bytes(self) -> int:
        """All."""
        return self._weights.nbytes

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
        self._there = False
        self.to_cpu()

    @property
    def device_bytes(self) -> int:
        """All or none."""
        return self.working_device_bytes if self._there else 0

    @property
    def working_device_bytes(self) -> int:
        """All."""
        return size_of(self._module)

    def to_device(self) -> None:
        """Moved by its own `to`, which takes long enough to look through even what is there."""
        if not self._there:
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
        self._there = device == self._device


class PinnedPart:
    """A component that can't leave the device on which it was quantized: LLM.int8()."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    @property
    def device_bytes(self) -> int:
        """All."""
        return size_of(self._module)

    @property
    def working_device_bytes(self) -> int:
        """All."""
        return size_of(self._module)

    def to_device(self) -> None:
        """It's there."""

    def to_cpu(self) -> None:
        """It stays."""

    def detach(self) -> None:
        """It stays."""


class OffloadedComponents:
    """The components of a pipeline by name.

    Attributes:
        device: Where they compute.
        adapter_bytes: Bytes of what was loaded into components since they were taken, by name.
    """

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
        self._own_bytes = {name: size_of(module) for name, module in self._modules.items()}
        self.adapter_bytes: dict[str, int] = {}
        self._parts: dict[str, OffloadablePart] = {}
        self._places: dict[str, ComponentPlacement] = {}
        self._resident: set[str] = set()
        self._encoders: set[str] = set()
        self._usages: dict[Stage, Usage] = {}
        self._added: dict[str, Component] = {}
        self._moves = plan is not None
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
    def added(self) -> tuple[Component, ...]:
        """What the memory plan knows of the components that `add` has added."""
        return tuple(self._added.values())

    def add(self, facts: Component, module: nn.Module) -> None:
        """Add a component, whose weights are in RAM, unless it is among them.

        Until a plan is applied that knows it, it visits the device.
        """
        if facts.name in self._modules:
            return
        self._modules[facts.name], self._added[facts.name] = module, facts
        self._own_bytes[facts.name] = size_of(module)
        if self._moves:
            self._place(facts.name, None)
        else:
            module.to(self.device)

    def remove(self, name: str) -> None:
        """Take out a component that was added, if it is there; it is left in RAM."""
        if name not in self._added:
            return
        module = self._modules.pop(name)
        del self._added[name], self._own_bytes[name]
        self.adapter_bytes.pop(name, None)
        self._places.pop(name, None)
        self._resident.discard(name)
        if (part := self._parts.pop(name, None)) is not None:
            part.detach()
        elif not self._moves:
            module.to("cpu")

    @property
    def movable(self) -> bool:
        """Whether all of it can be moved off the device."""
        return not any(isinstance(part, PinnedPart) for part in self._parts.values())

    def apply(self, plan: Plan) -> None:
        """Place the components as `plan` says, beginning with all of them in RAM."""
        self.detach()
        for name in self._modules:
            self._place(name, plan.places.get(name))

    def _place(self, name: str, place: ComponentPlacement | None) -> None:
        place = place or _offloaded(self.nbytes)
        self._places[name] = place
        self._parts[name] = _part(self._modules[name], self.device, place)
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
                self._parts[name] = _part(self._modules[name], self.device, self._places[name])
            self.adapter_bytes = added_bytes(self._own_bytes, self._modules)

    def release(self) -> None:
        """Move everything off the device; what is used again comes back by itself."""
        for part in self._parts.values():
            part.to_cpu()

    @contextmanager
    def use(self, *names: str, stage: Stage | None = None) -> Iterator[None]:
        """Have these components on the device; names that the pipeline lacks are ignored.

        An offloaded component makes room for the next offloaded one, and a text encoder for
        whatever comes after it; resident ones stay.

        Args:
            names: Which.
            stage: What they do, if `take_usage` is to tell what it takes.
        """
        if stage is Stage.ENCODE:
            self._encoders.update(names)
        for name in self._leaving(names):
            self._parts[name].to_cpu()
        reset_peak(self.device)
        for name in names:
            if name in self._parts:
                self._parts[name].to_device()
        yield
        if stage is not None:
            self._note(stage, names)

    def take_usage(self, stage: Stage) -> Usage | None:
        """What `stage` took at most since it was last asked; `None` if nothing was counted."""
        return self._usages.pop(stage, None)

    def _leaving(self, names: Collection[str]) -> list[str]:
        """The components that make room for these."""
        offloaded = self._parts.keys() - self._resident
        leaving = offloaded if offloaded.intersection(names) else offloaded & self._encoders
        return [name for name in self._parts if name in leaving and name not in names]

    def _note(self, stage: Stage, names: Collection[str]) -> None:
        peak = peak_bytes(self.device)
        before = self._usages.get(stage)
        if peak is None or (before is not None and before.peak_bytes >= peak):
            return
        weights = 0
        for name, part in self._parts.items():
            there = part.working_device_bytes if name in names else part.device_bytes
            if there is None:
                return
            weights += there
        self._usages[stage] = Usage(peak, weights)


def _offloaded(nbytes: int) -> ComponentPlacement:
    return ComponentPlacement(
        residence=Residence.OFFLOADED, weight_bytes=nbytes, resident_bytes=nbytes
    )


def _part(module: nn.Module, device: torch.device, place: ComponentPlacement) -> OffloadablePart:
    if place.quantization is Quantization.BNB8:
        return PinnedPart(module)
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
