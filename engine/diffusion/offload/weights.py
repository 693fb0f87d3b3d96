"""The weights of a module: masters in RAM, a copy on the device while it is needed."""

from collections.abc import Iterator
from itertools import chain

import torch
from torch import nn


def tensors_of(module: nn.Module) -> list[torch.Tensor]:
    """Its parameters and buffers, each once."""
    found = chain(module.parameters(), module.buffers())
    return list({id(tensor): tensor for tensor in found}.values())


def size_of(module: nn.Module) -> int:
    """Bytes of its weights."""
    return sum(tensor.nbytes for tensor in tensors_of(module))


class OffloadedWeights:
    """Some tensors of a module that come to the device and leave it together."""

    def __init__(self, tensors: list[torch.Tensor], device: torch.device, *, pin: bool) -> None:
        """Take the tensors' present data, which is in RAM, as the masters.

        Args:
            tensors: Parameters and buffers.
            device: Where they are needed.
            pin: Whether to keep the masters in page-locked memory, from which transfers are fast
                and run beside computing.
        """
        self.device = device
        self._tensors = tensors
        self._masters = [_pinned(tensor.data) if pin else tensor.data for tensor in tensors]
        self.here = False
        self.leave()

    @property
    def nbytes(self) -> int:
        """Bytes of the masters."""
        return sum(master.nbytes for master in self._masters)

    def copies(self) -> list[torch.Tensor]:
        """Copies of the masters on the device; on a GPU they may still be on their way."""
        return [_copy(master, self.device) for master in self._masters]

    def empty(self) -> list[torch.Tensor]:
        """Room on the device for copies of the masters."""
        return [torch.empty_like(master, device=self.device) for master in self._masters]

    def fill(self, room: list[torch.Tensor]) -> None:
        """Copy the masters into what `empty` made."""
        for target, master in zip(room, self._masters, strict=True):
            target.copy_(master, non_blocking=True)

    def arrive(self, copies: list[torch.Tensor] | None = None) -> None:
        """Work with these copies on the device, or with new ones."""
        if self.here:
            return
        _swap(self._tensors, self.copies() if copies is None else copies)
        self.here = True

    def leave(self) -> None:
        """Work with the masters again; the copies are let go."""
        _swap(self._tensors, self._masters)
        self.here = False


def _pinned(tensor: torch.Tensor) -> torch.Tensor:
    """A page-locked copy; the tensor itself where the system has no more such memory."""
    try:
        return tensor.pin_memory()
    except RuntimeError:
        return tensor


def _copy(master: torch.Tensor, device: torch.device) -> torch.Tensor:
    return master.to(device, non_blocking=True, copy=True)


def _swap(tensors: list[torch.Tensor], data: list[torch.Tensor]) -> None:
    # Parameters are ordinary tensors; in inference mode they would not take new data.
    with torch.inference_mode(False), torch.no_grad():
        for tensor, new in zip(tensors, data, strict=True):
            tensor.data = new


def rest_of(module: nn.Module, without: Iterator[nn.Module]) -> list[torch.Tensor]:
    """The tensors of `module` that belong to none of the modules `without`."""
    taken = {id(tensor) for part in without for tensor in tensors_of(part)}
    return [tensor for tensor in tensors_of(module) if id(tensor) not in taken]
