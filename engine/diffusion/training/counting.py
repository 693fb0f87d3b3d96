"""Counts the bytes of a training step on tensors without values, as a card would need them.

The step is really taken, forwards and backwards: what is counted is what torch keeps alive.
"""

import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from types import MappingProxyType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.checkpoint import checkpoint

GRAIN = 512
"""Bytes to whose multiple torch's allocator rounds (c10/cuda/CUDACachingAllocator.cpp)."""

FLASH_HEAD = 256
"""The most numbers of a head that the flash kernel takes."""

FLASH_BACKWARD = "aten::_scaled_dot_product_flash_attention_backward"

HALF = frozenset(
    {
        *("linear", "conv1d", "conv2d", "conv3d", "matmul", "__matmul__", "mm", "bmm"),
        *("addmm", "baddbmm", "einsum", "scaled_dot_product_attention"),
    }
)
SINGLE = frozenset(
    {
        *("layer_norm", "group_norm", "rms_norm", "softmax", "pow", "__pow__", "rsqrt", "exp"),
        *("log", "sum", "norm", "cumsum", "softplus", "interpolate"),
    }
)
"""What autocast computes in half and in single precision on a card, of what denoisers call
(https://docs.pytorch.org/docs/stable/amp.html#cuda-op-specific-behavior)."""


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of all tensors that are made while it is active.

    Attributes:
        now: Those that are alive.
        peak: The most that were.
    """

    def __init__(self, known: Iterator[torch.Tensor]) -> None:
        """Count nothing yet, and never what `known` tensors take."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._sizes = {tensor.untyped_storage()._cdata: 0 for tensor in known}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Do it, and count what it has made."""
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor):
                self._take(leaf.untyped_storage())
        if func._schema.name == FLASH_BACKWARD:  # adds up the query's gradient in float32
            self.peak = max(self.peak, self.now + 4 * args[1].numel())
        return out

    def _take(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._sizes:
            return
        self._sizes[key] = -(-storage.nbytes() // GRAIN) * GRAIN
        self.now += self._sizes[key]
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._drop, key)

    def _drop(self, key: int) -> None:
        self.now -= self._sizes.pop(key, 0)


class OnCard(TorchFunctionMode):
    """Has tensors without values computed by the kernels and in the precision of a device.

    What is missing on the meta device: autocast, and attention that keeps no matrix.
    """

    def __init__(self, dtype: torch.dtype, *, cpu: bool) -> None:
        """Take what the device computes in; float32 means without autocast."""
        super().__init__()
        self._dtype, self._cpu = dtype, cpu
        self._cast: dict[int, torch.Tensor] | None = None

    @contextmanager
    def forward(self) -> Iterator[None]:
        """The forward pass, in which autocast keeps the weights that it has cast."""
        self._cast = {}
        try:
            yield
        finally:
            self._cast = None

    def checkpoint(self, module: Any, *args: Any) -> Any:
        """Call a block, and again in the backward pass, where no mode is active by itself."""
        return checkpoint(
            module, *args, use_reentrant=False, context_fn=lambda: (nullcontext(), self)
        )

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute it as the device would."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if self._dtype is not torch.float32:
            if name in HALF:
                args, kwargs = tree_map(self._half, (args, kwargs))
            elif name in SINGLE:
                args, kwargs = tree_map(_single, (args, kwargs))
        if name == "scaled_dot_product_attention":
            return self._attention(*args, **kwargs)
        return func(*args, **kwargs)

    def _half(self, leaf: Any) -> Any:
        if not _is_float(leaf) or leaf.dtype is self._dtype:
            return leaf
        if self._cast is None or not (leaf.is_leaf and leaf.requires_grad):
            return leaf.to(self._dtype)
        if id(leaf) not in self._cast:
            self._cast[id(leaf)] = leaf.to(self._dtype)
        return self._cast[id(leaf)]

    def _attention(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> torch.Tensor:
        aten = torch.ops.aten
        if enable_gqa:
            times = query.shape[1] // key.shape[1]
            key, value = (each.repeat_interleave(times, 1) for each in (key, value))
        if attn_mask is not None and attn_mask.dtype is torch.bool:
            attn_mask = torch.zeros_like(attn_mask, dtype=query.dtype)
        same: Mapping[str, Any] = MappingProxyType({"is_causal": is_causal, "scale": scale})
        if self._cpu:
            kernel = aten._scaled_dot_product_flash_attention_for_cpu
            found = kernel(query, key, value, dropout_p, attn_mask=attn_mask, **same)
        elif attn_mask is None and query.shape[-1] <= FLASH_HEAD and query.dtype.itemsize == 2:
            kernel = aten._scaled_dot_product_flash_attention
            found = kernel(query, key, value, dropout_p, **same)
        else:
            kernel = aten._scaled_dot_product_efficient_attention
            if attn_mask is not None:
                attn_mask = attn_mask.expand(*query.shape[:-1], key.shape[-2])
            found = kernel(query, key, value, attn_mask, True, dropout_p, **same)
        return found[0]  # type: ignore[no-any-return]


def _single(leaf: Any) -> Any:
    return leaf.float() if _is_float(leaf) and leaf.dtype.itemsize == 2 else leaf


def _is_float(leaf: Any) -> bool:
    return isinstance(leaf, torch.Tensor) and leaf.is_floating_point()
