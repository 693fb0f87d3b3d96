"""A module that doesn't fit: its blocks are moved to the device one by one, just before their turn.

While one block computes, the next one is being transferred; as many as fit stay for good. The idea
is that of Diffusers' group offloading, with two differences: blocks that fit aren't streamed at
all, and what is streamed is never copied back.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import nlargest
from itertools import pairwise
from typing import Any

import torch
from accelerate.hooks import ModelHook
from torch import nn

from engine.diffusion.offload.transfers import Transfer, start_transfer
from engine.diffusion.offload.weights import OffloadedWeights, rest_of, size_of, tensors_of
from engine.memory.components import GRAIN


def blocks_of(module: nn.Module, limit: int) -> Iterator[nn.Module]:
    """The largest parts of `module` whose weights take at most `limit` bytes, in its order.

    A part that can't be divided is a block of its own, whatever its size. Weights that belong to a
    divided part itself are in no block.
    """
    for child in module.children():
        size = size_of(child)
        if not size:
            continue
        if isinstance(child, nn.ModuleList | nn.ModuleDict) or (
            size > limit and any(size_of(part) for part in child.children())
        ):
            yield from blocks_of(child, limit)
        else:
            yield child


def _staying(sizes: Sequence[int], room: int) -> list[bool]:
    """Which blocks stay on the device, so that they and any two of the others take at most `room`.

    Larger ones first: what is left to stream then takes less while it is there.
    """
    staying = [False] * len(sizes)
    taken = 0
    for number in sorted(range(len(sizes)), key=lambda number: -sizes[number]):
        others = (s for n, s in enumerate(sizes) if not staying[n] and n != number)
        if taken + sizes[number] + sum(nlargest(2, others)) <= room:
            staying[number] = True
            taken += sizes[number]
    return staying


class StreamedBlock:
    """One block that is moved to the device and off it for each call."""

    def __init__(self, weights: OffloadedWeights) -> None:
        self.weights = weights
        self.transfer: Transfer | None = None
        self.next: StreamedBlock | None = None

    def prefetch(self) -> None:
        """Start transferring its weights."""
        if self.transfer is None and not self.weights.on_device:
            self.transfer = start_transfer(self.weights)

    def to_device(self) -> None:
        """Have its weights on the device, and start transferring the next block's."""
        self.prefetch()
        if self.transfer is not None:
            self.weights.to_device(self.transfer.wait())
            self.transfer = None
        if self.next is not None:
            self.next.prefetch()

    def to_cpu(self) -> None:
        """Free its weights on the device, after a transfer that is still running."""
        if self.transfer is not None:
            self.transfer.wait()
            self.transfer = None
        self.weights.to_cpu()


class ExecutionDevice(ModelHook):  # type: ignore[misc]
    """Tells Diffusers where inputs of a module have to be while its weights are still in RAM."""

    def __init__(self, device: torch.device) -> None:
        self.execution_device = device


class StreamedModule:
    """A module whose blocks stream, except for those that fit."""

    def __init__(
        self,
        module: nn.Module,
        device: torch.device,
        *,
        resident_bytes: int,
        layer_by_layer: bool,
        pin: bool,
    ) -> None:
        """Have the blocks of `module` moved to the device when they are called.

        Args:
            module: What is too large.
            device: Where it computes.
            resident_bytes: What its weights may take there, the two blocks in flight included.
            layer_by_layer: Whether single layers are streamed, with none resident or prefetched.
            pin: Whether to keep the masters page-locked.
        """
        parts = list(blocks_of(module, 0 if layer_by_layer else size_of(module) // GRAIN))
        tensors = [tensors_of(part) for part in parts]
        if not layer_by_layer:  # what blocks share stays: it would leave with each of them
            times = Counter(id(tensor) for own in tensors for tensor in own)
            tensors = [[tensor for tensor in own if times[id(tensor)] == 1] for own in tensors]
        resident = rest_of(module, tensors)
        room = 0 if layer_by_layer else resident_bytes - sum(t.nbytes for t in resident)
        staying = _staying([sum(t.nbytes for t in own) for own in tensors], room)
        streamed = []
        for part, own, stays in zip(parts, tensors, staying, strict=True):
            if stays:
                resident += own
            elif own:
                streamed.append((part, StreamedBlock(OffloadedWeights(own, device, pin=pin))))
        self._resident = OffloadedWeights(resident, device, pin=pin)
        self._blocks = [block for _, block in streamed]
        self._prefetches = not layer_by_layer
        self._order: list[StreamedBlock] = list(self._blocks)
        self._seen: list[StreamedBlock] = []
        self._hooks = [hook for part, block in streamed for hook in self._hooked(part, block)]
        self._chain(self._blocks)
        self._module = module
        module._hf_hook = ExecutionDevice(device)

    @property
    def streamed_bytes(self) -> int:
        """Bytes that are transferred each time the module is called."""
        return sum(block.weights.nbytes for block in self._blocks)

    @property
    def device_bytes(self) -> int:
        """Bytes of its weights on the device now."""
        return self._resident.device_bytes + sum(b.weights.device_bytes for b in self._blocks)

    @property
    def working_device_bytes(self) -> int | None:
        """The most of them that are there while it works: a block, and the next one.

        Layer by layer nobody knows which layer was there at the peak.
        """
        if not self._prefetches:
            return None
        sizes = [block.weights.nbytes for block in self._order]
        sizes += [block + following for block, following in pairwise(sizes)]
        return self._resident.nbytes + max(sizes, default=0)

    def to_device(self) -> None:
        """Move the resident blocks to the device."""
        self._resident.to_device()

    def to_cpu(self) -> None:
        """Free everything on the device."""
        self._resident.to_cpu()
        for block in self._blocks:
            block.to_cpu()

    def detach(self) -> None:
        """Leave the module as it was found, in RAM."""
        self.to_cpu()
        for hook in self._hooks:
            hook.remove()
        del self._module._hf_hook

    def _chain(self, order: Sequence[StreamedBlock]) -> None:
        """Have each block prefetch the one after it."""
        self._order = list(order)
        for block in self._blocks:
            block.next = None
        if self._prefetches:
            for block, following in pairwise(order):
                block.next = following

    def _begin_pass(self, first: StreamedBlock) -> None:
        """Take in the order of the last pass; one that ended early, as what a control network
        borrows does, leaves a block on its way that isn't needed now."""
        if self._seen != self._order[: len(self._seen)]:
            self._chain(self._seen)
        self._seen = []
        for block in self._blocks:
            if block.transfer is not None and block is not first:
                block.to_cpu()

    def _hooked(self, part: nn.Module, block: StreamedBlock) -> list[Any]:
        def before(*_: object) -> None:
            if block in self._seen:
                self._begin_pass(block)
            self._seen.append(block)
            block.to_device()

        def after(*_: object) -> None:
            block.weights.to_cpu()

        return [
            part.register_forward_pre_hook(before),
            part.register_forward_hook(after, always_call=True),
        ]
