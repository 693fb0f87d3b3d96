"""The card: what it does with each operation, and the room that tensors take there."""

import gc
import math
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from tests.card.allocator import Block, CachingAllocator
from tests.card.attention import attention
from tests.card.device_guard import register_cuda_guard
from tests.card.streams import RaceDetector, Stream
from tests.card.tensors import CPU, CUDA, VALUES, CardTensor, DeviceMix, DtypeMix

CONTEXT = 400_000_000
"""What CUDA takes for itself, bytes (`engine.memory.device.CONTEXT_BYTES`)."""
CUBLAS_WORKSPACE = 8_519_680
"""Bytes of `:4096:2:16:8`, the default of CUBLAS_WORKSPACE_CONFIG."""
COMPUTED_VALUES = 64 * VALUES
"""Numbers that an operation may read in a simulation by shapes and still have values."""

aten = torch.ops.aten

BETWEEN_DEVICES = {
    "aten::_to_copy",
    "aten::copy_",
    "aten::index",
    "aten::index_put",
    "aten::index_put_",
    "aten::_index_put_impl_",
    "aten::_local_scalar_dense",
    "aten::empty_like",
    "aten::zeros_like",
    "aten::ones_like",
    "aten::full_like",
}
"""Operations that take tensors of several devices."""

MULTIPLICATIONS = {"aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm"}
ONE_DTYPE = MULTIPLICATIONS | {"aten::convolution", "aten::_fused_rms_norm"}
"""Operations that take tensors of one dtype on CUDA."""

COPIES = {"aten::_local_scalar_dense", "aten::_to_copy", "aten::copy_"}
"""Operations that bring values to the card or from it."""

INDEXING = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"}
"""Operations that bring an index from the host to the card by themselves."""

STAGED = 64 * 1024
"""Bytes from RAM that isn't page-locked that CUDA takes without waiting ("API synchronization
behavior" in its reference)."""

OVERWRITES = {"aten::copy_", "aten::fill_", "aten::zero_"}
UNWRITTEN = {"aten::empty", "aten::empty_like", "aten::empty_strided", "aten::new_empty"}


class Card(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A card while it is plugged in.

    Attributes:
        total: Bytes of its memory.
        allocator: Of the process that uses it.
        capability: Its compute capability.
        shapes_only: Whether large tensors have no values.
        page_locked: Bytes of page-locked RAM.
        stream: The current one.
        race_detector: Looks at every access to its memory.
        waits: How often the host has waited for values from it, or for it to take some.
    """

    def __init__(
        self,
        total: int,
        *,
        capability: tuple[int, int] = (8, 6),
        shapes_only: bool = False,
        expandable: bool = False,
        context: int = CONTEXT,
    ) -> None:
        """A card of `total` bytes that nothing uses yet; `context` of them are CUDA's own."""
        register_cuda_guard()
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = total
        self.context = context
        self.capability = capability
        self.shapes_only = shapes_only
        self.allocator = CachingAllocator(total - context, expandable=expandable)
        self.page_locked = 0
        self.stream = Stream()
        self.race_detector = RaceDetector()
        self.waits = 0
        self._blocks: dict[int, Block | None] = {}
        self._has_cublas = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Every operation while the card is plugged in."""
        return self.dispatch(func, args, kwargs or {})

    def dispatch(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Do `func` as a machine with this card would.

        Raises:
            DeviceMix: Tensors of several devices.
            DtypeMix: Tensors of several dtypes where CUDA takes one.
            torch.OutOfMemoryError: The card is full.
        """
        name = func._schema.name
        args, kwargs = tree_map(_with_index, (tuple(args), kwargs))
        if func is aten.scaled_dot_product_attention.default:
            return attention(self, *args, **kwargs)
        if name == "aten::_has_compatible_shallow_copy_type":
            return True
        if name == "aten::is_pinned":
            return getattr(args[0], "page_locked", False)
        self.waits += _waits(name, args, kwargs)
        if name == "aten::_local_scalar_dense" and getattr(args[0], "backing", args[0]).is_meta:
            return True  # shapes have no values: every check of numbers passes
        if name in ("aten::pin_memory", "aten::_pin_memory"):
            return self._pinned(args[0])
        composite = torch._C.DispatchKey.CompositeImplicitAutograd
        if func.has_kernel_for_dispatch_key(composite):
            with self:
                decomposed = func.decompose(*args, **kwargs)
            if decomposed is not NotImplemented:
                return decomposed
        leaves = tree_flatten((args, kwargs))[0]
        tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
        asked = (
            None if kwargs.get("device") is None else _with_index(torch.device(kwargs["device"]))
        )
        ours = [t for t in tensors if isinstance(t, CardTensor)]
        if not ours and (asked is None or asked.type != "cuda"):
            return func(*args, **kwargs)
        device = _device_of(func, args, tensors, asked)
        _require_fit(name, tensors, device, kwargs.get("generator"))
        if name in MULTIPLICATIONS and device == CUDA and not self._has_cublas:
            self._has_cublas = True
            self.allocator.allocate(CUBLAS_WORKSPACE)
        inner = self._inner(func, args, tensors)
        inner_args = tree_map(inner, args)
        inner_kwargs = _inner_kwargs(
            name, inner_args, tree_map(inner, kwargs), shapes_only=self.shapes_only
        )
        out = func(*inner_args, **inner_kwargs)
        return self._outer(func, name, ours, inner, out, device)

    def wrap(self, inner: torch.Tensor, device: torch.device) -> CardTensor:
        """`inner` as a tensor on `device`, where it takes room."""
        if device == CUDA:
            self._take_room(inner)
        return CardTensor(inner, device, self)

    def room(self, shape: Sequence[int], dtype: torch.dtype) -> CardTensor:
        """Room on the card for a tensor without values."""
        return self.wrap(torch.empty(shape, dtype=dtype, device="meta"), CUDA)

    def launched(
        self, name: str, reads: Iterable[torch.Tensor], writes: Iterable[torch.Tensor]
    ) -> None:
        """A kernel was launched on the current stream."""
        self.race_detector.launch(self.stream, name, self._places(reads), self._places(writes))

    def _places(self, tensors: Iterable[torch.Tensor]) -> list[Block]:
        found = (
            self._blocks.get(t.backing.untyped_storage()._cdata)
            for t in tensors
            if isinstance(t, CardTensor) and t.device == CUDA
        )
        return [block for block in found if block is not None]

    def _take_room(self, inner: torch.Tensor) -> None:
        storage = inner.untyped_storage()
        key = storage._cdata
        if key not in self._blocks:
            nbytes = storage.nbytes()
            self._blocks[key] = self.allocator.allocate(nbytes) if nbytes else None
            weakref.finalize(storage, self._free_room, key)

    def _free_room(self, key: int) -> None:
        block = self._blocks.pop(key, None)
        if block is not None:
            self.allocator.release(block)

    def _pinned(self, tensor: torch.Tensor) -> CardTensor:
        """A page-locked copy, which takes a power of two of RAM."""
        inner = (tensor.backing if isinstance(tensor, CardTensor) else tensor).clone()
        pinned = CardTensor(inner, CPU, self)
        pinned.page_locked = True
        nbytes = 1 << max(0, inner.nbytes - 1).bit_length()
        self.page_locked += nbytes
        weakref.finalize(inner.untyped_storage(), self._unpin, nbytes)
        return pinned

    def _unpin(self, nbytes: int) -> None:
        self.page_locked -= nbytes

    def _inner(self, func: Any, args: Sequence[Any], tensors: Sequence[torch.Tensor]) -> Any:
        """From each tensor to what is computed with: values, or shapes if any has no values."""
        found = {id(t): t.backing if isinstance(t, CardTensor) else t for t in tensors}
        size = sum(inner.numel() for inner in found.values())
        meta = any(inner.is_meta for inner in found.values())
        if meta or (self.shapes_only and size > COMPUTED_VALUES):
            for tensor in tensors:
                inner = found[id(tensor)]
                if inner.is_meta or (func is aten.index.Tensor and inner.dtype == torch.bool):
                    continue
                found[id(tensor)] = inner.to("meta")
                if func._schema.is_mutable and tensor is args[0] and isinstance(tensor, CardTensor):
                    tensor.backing = found[id(tensor)]
                    if tensor.device == CUDA:
                        self._take_room(tensor.backing)
        return lambda leaf: found[id(leaf)] if isinstance(leaf, torch.Tensor) else leaf

    def _outer(
        self,
        func: Any,
        name: str,
        ours: Sequence[CardTensor],
        inner: Any,
        out: Any,
        device: torch.device,
    ) -> Any:
        """The result on its device; an operation in place returns the tensor that it was given."""
        given = {} if name == "aten::_to_copy" else {id(inner(t)): t for t in ours}

        def outer(leaf: Any) -> Any:
            if not isinstance(leaf, torch.Tensor):
                return leaf
            return given.get(id(leaf)) if id(leaf) in given else self.wrap(leaf, device)

        result = tree_map(outer, out)
        written = [t for t in tree_flatten(result)[0] if isinstance(t, torch.Tensor)]
        storages = {t.backing.untyped_storage()._cdata for t in ours}
        mutable = func._schema.is_mutable
        views = not mutable and all(
            t.backing.untyped_storage()._cdata in storages
            for t in written
            if isinstance(t, CardTensor)
        )
        if not views and name not in UNWRITTEN:
            reads = ours[1:] if name in OVERWRITES else ours
            self.launched(name, reads, written)
        return result


def _with_index(leaf: Any) -> Any:
    """`cuda` is the first card; the guard can't tell torch so."""
    return CUDA if isinstance(leaf, torch.device) and leaf.type == "cuda" else leaf


def _waits(name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Whether the host waits until the card has done all that it was given before."""
    if name in INDEXING:
        indices = (one for one in args[1] if one is not None)
        return args[0].device.type == "cuda" and any(one.device.type == "cpu" for one in indices)
    if name not in COPIES:
        return False
    source = args[1 if name == "aten::copy_" else 0]
    devices = source.device.type, _target(name, args, kwargs).type
    if devices != ("cpu", "cuda"):
        return devices == ("cuda", "cpu")
    given = args[2] if name == "aten::copy_" and len(args) > 2 else kwargs.get("non_blocking")
    page_locked = getattr(source, "page_locked", False)
    return not given or (not page_locked and source.nbytes > STAGED)


def _target(name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> torch.device:
    """Where the values are brought."""
    if name == "aten::_local_scalar_dense":
        return CPU
    if name == "aten::copy_":
        return torch.device(args[0].device)
    return torch.device(kwargs.get("device") or args[0].device)


def _device_of(
    func: Any, args: Sequence[Any], tensors: Sequence[torch.Tensor], asked: torch.device | None
) -> torch.device:
    """Where the result is."""
    if asked is not None:
        return asked
    if func is aten.index.Tensor:
        return CUDA if args[0].device.type == "cuda" else CPU
    return CUDA if any(t.device.type == "cuda" for t in tensors) else CPU


def _require_fit(
    name: str, tensors: Sequence[torch.Tensor], device: torch.device, generator: Any
) -> None:
    """Numbers on the CPU may meet tensors of a card; nothing else mixes."""
    devices = {t.device for t in tensors if t.device.type == "cuda" or t.dim()}
    if len(devices) > 1 and name not in BETWEEN_DEVICES:
        shapes = [(tuple(t.shape), str(t.device)) for t in tensors]
        raise DeviceMix(f"Expected all tensors to be on the same device ({name}: {shapes})")
    dtypes = {t.dtype for t in tensors if t.is_floating_point()}
    if name in ONE_DTYPE and device == CUDA and len(dtypes) > 1:
        raise DtypeMix(f"{name} between {dtypes}")
    if generator is not None and generator.device.type != device.type:
        raise RuntimeError(f"Expected a '{device.type}' device type for generator ({name})")


def _inner_kwargs(
    name: str, args: Sequence[Any], kwargs: dict[str, Any], *, shapes_only: bool
) -> dict[str, Any]:
    """Keyword arguments for the operation on the CPU or the meta device."""
    kwargs.pop("pin_memory", None)
    if name == "aten::_to_copy":
        kwargs.pop("non_blocking", None)
    found = [t for t in tree_flatten((args, kwargs))[0] if isinstance(t, torch.Tensor)]
    if found:
        if kwargs.get("device") is None:
            return kwargs
        meta = any(t.is_meta for t in found)
    else:
        shape = next((a for a in args if isinstance(a, list | tuple)), ())
        meta = shapes_only and math.prod(n for n in shape if isinstance(n, int)) > VALUES
    return kwargs | {"device": torch.device("meta") if meta else CPU}


@contextmanager
def plugged_in(card: Card, *, ram: int = 64 * 10**9) -> Iterator[Card]:
    """Have torch find this card, in a machine with so much RAM free."""
    from tests.card.cuda import stand_in

    lifted = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)
    try:
        with stand_in(card, ram), card:
            yield card
    finally:
        torch._C._set_only_lift_cpu_tensors(lifted)
        gc.collect()
