"""The weights of a module: masters in RAM, copies on the device while they are needed."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

import torch
from torch import nn

from engine.hub.tensor_headers import Tensor
from engine.memory.components import Component, Role
from engine.models.inspection import component_of


def tensors_of(module: nn.Module) -> list[torch.Tensor]:
    """Its parameters and buffers, each once."""
    found = chain(module.parameters(), module.buffers())
    return list({id(tensor): tensor for tensor in found}.values())


def size_of(module: nn.Module) -> int:
    """Bytes of its weights, with what quantized ones have beside their data."""
    return sum(map(_size, tensors_of(module)))


def _size(tensor: Any) -> int:
    """Bytes of a tensor: torchao's are made of others, bitsandbytes' have some in their state."""
    if hasattr(tensor, "__tensor_flatten__"):
        return sum(_size(getattr(tensor, name)) for name in tensor.__tensor_flatten__()[0])
    nbytes: int = tensor.nbytes
    state = getattr(tensor, "quant_state", None)
    while state is not None:  # a state may be quantized, too
        nbytes += sum(one.nbytes for one in vars(state).values() if isinstance(one, torch.Tensor))
        state = getattr(state, "state2", None)
    return nbytes


def added_bytes(before: Mapping[str, int], modules: Mapping[str, nn.Module]) -> dict[str, int]:
    """Bytes that modules have gained, for those that have; `before` are their earlier sizes."""
    gained = {name: size_of(module) - before[name] for name, module in modules.items()}
    return {name: gain for name, gain in gained.items() if gain > 0}


def facts_of(name: str, role: Role, module: nn.Module) -> Component:
    """What the memory plan has to know of a component that is loaded beside a pipeline's own."""
    weights = module.state_dict().items()
    tensors = (Tensor(key, tuple(one.shape), one.nbytes) for key, one in weights)
    return replace(component_of(name, role, type(module).__name__, tuple(tensors)), fixed=True)


class OffloadedWeights:
    """Some tensors of a module that move to the device and off it together."""

    def __init__(self, tensors: list[torch.Tensor], device: torch.device, *, pin: bool) -> None:
        """Take the tensors' current data, which is in RAM, as the masters.

        Args:
            tensors: Parameters and buffers.
            device: Where they are needed.
            pin: Whether to keep the masters in page-locked memory, from which transfers are fast
                and overlap with computing.
        """
        self.device = device
        self._tensors = tensors
        self._masters: list[torch.Tensor] = []
        self.on_device = False
        for tensor in tensors:  # one by one, so that never more than one is there twice
            self._masters.append(_pinned(tensor.data) if pin else tensor.data)
            _swap([tensor], self._masters[-1:])

    @property
    def nbytes(self) -> int:
        """Bytes of the masters."""
        return sum(master.nbytes for master in self._masters)

    @property
    def device_bytes(self) -> int:
        """Bytes of the copies on the device now."""
        return self.nbytes if self.on_device else 0

    def copies(self) -> list[torch.Tensor]:
        """Copies of the masters on the device; to a GPU the transfer may still be running."""
        return [_copy(master, self.device) for master in self._masters]

    def empty_copies(self) -> list[torch.Tensor]:
        """Uninitialized tensors on the device, in the shapes of the masters."""
        return [torch.empty_like(master, device=self.device) for master in self._masters]

    def copy_to(self, copies: list[torch.Tensor]) -> None:
        """Copy the masters into what `empty_copies` made."""
        for target, master in zip(copies, self._masters, strict=True):
            target.copy_(master, non_blocking=True)

    def to_device(self, copies: list[torch.Tensor] | None = None) -> None:
        """Use these copies on the device, or new ones."""
        if self.on_device:
            return
        _swap(self._tensors, self.copies() if copies is None else copies)
        self.on_device = True

    def to_cpu(self) -> None:
        """Use the masters again; the copies are freed."""
        _swap(self._tensors, self._masters)
        self.on_device = False


def _pinned(tensor: torch.Tensor) -> torch.Tensor:
    """A page-locked copy; the tensor itself when the system is out of such memory."""
    try:
        return tensor.pin_memory()
    except RuntimeError:
        return tensor


def _copy(master: torch.Tensor, device: torch.device) -> torch.Tensor:
    return master.to(device, non_blocking=True, copy=True)


def _swap(tensors: list[torch.Tensor], data: list[torch.Tensor]) -> None:
    # Parameters are ordinary tensors; in inference mode they wouldn't take new data.
    with torch.inference_mode(False), torch.no_grad():
        for tensor, new in zip(tensors, data, strict=True):
            tensor.data = new


def rest_of(module: nn.Module, parts: Iterable[list[torch.Tensor]]) -> list[torch.Tensor]:
    """The tensors of `module` that are in none of its `parts`."""
    taken = {id(tensor) for part in parts for tensor in part}
    return [tensor for tensor in tensors_of(module) if id(tensor) not in taken]
