"""The blocks of a denoiser that repeat, and what they are called with."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_map


@dataclass(frozen=True, slots=True)
class TensorLike:
    """A tensor without its values."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype
    inference: bool

    @classmethod
    def of(cls, tensor: torch.Tensor) -> "TensorLike":
        """What `tensor` is like."""
        size, stride = tuple(tensor.shape), tuple(tensor.stride())
        return cls(size, stride, tensor.dtype, tensor.is_inference())

    def make(self, device: torch.device) -> torch.Tensor:
        """Such a tensor, with values around 0 if it has a floating point, else 0."""
        with torch.inference_mode(self.inference):
            made = torch.empty_strided(self.shape, self.stride, dtype=self.dtype, device=device)
            return made.normal_() if made.is_floating_point() else made.zero_()


@dataclass(frozen=True, slots=True)
class Call:
    """What a block is called with: tensors as `TensorLike`, everything else as it is."""

    args: Sequence[Any]
    kwargs: Mapping[str, Any]

    def make(self, device: torch.device) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """Arguments like these, on `device`."""

        def made(leaf: Any) -> Any:
            return leaf.make(device) if isinstance(leaf, TensorLike) else leaf

        return tree_map(made, tuple(self.args)), tree_map(made, dict(self.kwargs))


def repeated_blocks(denoiser: nn.Module) -> dict[type[nn.Module], list[nn.Module]]:
    """The blocks that Diffusers says repeat (`_repeated_blocks`), by their class."""
    names = getattr(denoiser, "_repeated_blocks", None) or ()
    found: dict[type[nn.Module], list[nn.Module]] = {}
    for module in denoiser.modules():
        if type(module).__name__ in names:
            found.setdefault(type(module), []).append(module)
    return found


@contextmanager
def watched(blocks: Sequence[nn.Module]) -> Iterator[list[tuple[nn.Module, Call]]]:
    """Yields what these blocks are called with: the first of those that are called alike."""
    seen: list[tuple[nn.Module, Call]] = []

    def plain(leaf: Any) -> Any:
        return TensorLike.of(leaf) if isinstance(leaf, torch.Tensor) else leaf

    def watch(block: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        call = Call(tree_map(plain, args), tree_map(plain, kwargs))
        alike = (type(block), _sizes(block), call)
        if alike not in [(type(other), _sizes(other), known) for other, known in seen]:
            seen.append((block, call))

    hooks = [block.register_forward_pre_hook(watch, with_kwargs=True) for block in blocks]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _sizes(block: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in block.parameters()]


def without_weights(block: nn.Module) -> nn.Module:
    """A copy of the block on the meta device."""
    memo: dict[int, Any] = {}
    for weight in block.parameters():
        empty = torch.empty_like(weight, device="meta")
        memo[id(weight)] = nn.Parameter(empty, requires_grad=weight.requires_grad)
    for buffer in block.buffers():
        memo[id(buffer)] = torch.empty_like(buffer, device="meta")
    return copy.deepcopy(block, memo)
