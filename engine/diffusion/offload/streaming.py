"""A module that does not fit: its blocks come to the device one by one, just before their turn.

While one block computes, the next one is on its way; as many as fit stay for good. The idea is
that of Diffusers' group offloading, with two differences: blocks that fit are not streamed at all,
and what is streamed is never copied back.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from engine.diffusion.offload.transfers import Transfer, transfers_to
from engine.diffusion.offload.weights import OffloadedWeights, rest_of, size_of, tensors_of
from engine.memory.components import GRAIN


def blocks_of(module: nn.Module, limit: int) -> Iterator[nn.Module]:
    """The largest parts of `module` whose weights take at most `limit` bytes, in its order.

    A part that cannot be divided comes as it is. Weights that hang on a divided part itself are
    in no block.
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


class StreamedBlock:
    """One block that comes and goes."""

    def __init__(self, weights: OffloadedWeights) -> None:
        self.weights = weights
        self.transfer: Transfer | None = None
        self.next: StreamedBlock | None = None

    def fetch(self) -> None:
        """Set its weights on their way."""
        if self.transfer is None and not self.weights.here:
            self.transfer = transfers_to(self.weights)

    def enter(self) -> None:
        """Have its weights on the device, and the next block's on their way."""
        self.fetch()
        if self.transfer is not None:
            self.weights.arrive(self.transfer.arrived())
            self.transfer = None
        if self.next is not None:
            self.next.fetch()

    def forget(self) -> None:
        """Let its weights go, wherever they are; room that is still being filled is waited for."""
        if self.transfer is not None:
            self.transfer.arrived()
            self.transfer = None
        self.weights.leave()


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
        """Arrange for the blocks of `module` to come when they are called.

        Args:
            module: What is too large.
            device: Where it computes.
            resident_bytes: What its weights may take there, the two blocks in flight included.
            layer_by_layer: Whether single layers stream, none stays, and none comes early.
            pin: Whether to keep the masters page-locked.
        """
        total = size_of(module)
        parts = list(blocks_of(module, 0 if layer_by_layer else total // GRAIN))
        rest = rest_of(module, iter(parts))
        in_flight = 2 * max((size_of(part) for part in parts), default=0)
        left = 0 if layer_by_layer else resident_bytes - in_flight - sum(t.nbytes for t in rest)
        staying = list(rest)
        streaming = []
        for part in parts:
            left -= size_of(part)
            if left >= 0:
                staying += tensors_of(part)
            else:
                streaming.append(part)
        self._staying = OffloadedWeights(staying, device, pin=pin)
        self._blocks = [
            StreamedBlock(OffloadedWeights(tensors_of(part), device, pin=pin)) for part in streaming
        ]
        self._early = not layer_by_layer
        self._order: list[StreamedBlock] = list(self._blocks)
        self._seen: list[StreamedBlock] = []
        self._hooks = [
            hook
            for part, block in zip(streaming, self._blocks, strict=True)
            for hook in self._hooked(part, block)
        ]
        self._chain(self._blocks)

    @property
    def streaming_bytes(self) -> int:
        """Bytes that are transferred each time the module is called."""
        return sum(block.weights.nbytes for block in self._blocks)

    @property
    def here(self) -> bool:
        """Whether its resident part is on the device."""
        return self._staying.here

    def arrive(self) -> None:
        """Bring what stays."""
        self._staying.arrive()

    def leave(self) -> None:
        """Let everything go."""
        self._staying.leave()
        for block in self._blocks:
            block.forget()

    def detach(self) -> None:
        """Leave the module as it was found, in RAM."""
        self.leave()
        for hook in self._hooks:
            hook.remove()

    def _chain(self, order: Sequence[StreamedBlock]) -> None:
        """From now on each block sets the one after it on its way."""
        self._order = list(order)
        for block in self._blocks:
            block.next = None
        if self._early:
            for block, following in pairwise(order):
                block.next = following

    def _hooked(self, part: nn.Module, block: StreamedBlock) -> list[Any]:
        def before(*_: object) -> None:
            if block in self._seen:  # a new pass begins
                if self._seen != self._order:
                    self._chain(self._seen)
                self._seen = []
            self._seen.append(block)
            block.enter()

        def after(*_: object) -> None:
            block.weights.leave()

        return [
            part.register_forward_pre_hook(before),
            part.register_forward_hook(after, always_call=True),
        ]
