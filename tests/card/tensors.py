"""Tensors that claim to be on the card, or in the RAM beside it."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from tests.card.card import Card

CPU = torch.device("cpu")
CUDA = torch.device("cuda", 0)

VALUES = 1 << 16
"""Numbers of a tensor up to which it has values in a simulation by shapes."""

_DATA: Any = torch._C.TensorBase.data


class DeviceMix(RuntimeError):
    """An operation got tensors of different devices."""


class DtypeMix(RuntimeError):
    """An operation got tensors of different dtypes."""


class CardTensor(torch.Tensor):
    """A tensor whose device is what it claims; `backing` has its values, or its shape alone.

    Attributes:
        backing: On the CPU or the meta device.
        card: Which card it belongs to.
        page_locked: Whether it is in page-locked RAM.
    """

    backing: torch.Tensor
    card: "Card"
    page_locked: bool

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, inner: torch.Tensor, device: torch.device, card: "Card") -> "CardTensor":
        made: CardTensor = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            layout=inner.layout,
            device=device,
        )
        made.backing, made.card, made.page_locked = inner, card, False
        return made

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Every operation goes through the card."""
        kwargs = kwargs or {}
        found = next(t for t in torch.utils._pytree.tree_leaves((args, kwargs)) if type(t) is cls)
        return found.card.dispatch(func, args, kwargs)

    def __repr__(self, **_: Any) -> str:  # type: ignore[override]
        return f"CardTensor({tuple(self.shape)}, {self.dtype}, {self.device})"

    @property
    def data(self) -> "CardTensor":
        """The same values, as a tensor of its own."""
        found = CardTensor(self.backing, self.device, self.card)
        found.page_locked = self.page_locked
        return found

    @data.setter
    def data(self, new: torch.Tensor) -> None:
        other = new if isinstance(new, CardTensor) else CardTensor(new, new.device, self.card)
        _DATA.__set__(self, other)
        self.backing, self.page_locked = other.backing, other.page_locked

    def numpy(self, **_: Any) -> Any:
        """Values, zeros where there are shapes alone; on a card they can't be had."""
        if self.device.type != "cpu":
            raise TypeError("can't convert cuda:0 device type tensor to numpy")
        if self.backing.is_meta:
            return np.zeros(tuple(self.shape), np.float32)
        return self.backing.numpy()

    def __array__(self, *_: Any, **__: Any) -> Any:
        return self.numpy()

    def tolist(self) -> Any:
        """Values, on either device."""
        return self.backing.tolist()

    def new_tensor(  # type: ignore[override]
        self, data: Any, *, dtype: Any = None, device: Any = None, **_: Any
    ) -> torch.Tensor:
        """Of `data`, on the device that it is asked for, else on this tensor's."""
        return torch.tensor(data, dtype=dtype or self.dtype).to(device or self.device)

    def __deepcopy__(self, memo: Any) -> "CardTensor":
        return CardTensor(self.backing.clone(), self.device, self.card)


def as_card_tensors(module: nn.Module, card: "Card") -> None:
    """Have all weights of `module` in the RAM beside the card, so that they can go there.

    In a simulation by shapes large ones lose their values.
    """
    made: dict[int, CardTensor] = {}

    def host(tensor: torch.Tensor, *, parameter: bool) -> CardTensor:
        if id(tensor) not in made:
            inner = tensor.detach()
            if card.shapes_only and (parameter or inner.numel() > VALUES):
                inner = torch.empty_like(inner, device="meta")
            made[id(tensor)] = CardTensor(inner, CPU, card)
            if parameter:  # what `isinstance(…, nn.Parameter)` looks for
                made[id(tensor)]._is_param = True
        return made[id(tensor)]

    for part in module.modules():
        for kept, parameter in ((part._parameters, True), (part._buffers, False)):
            for name, tensor in kept.items():
                if tensor is not None and not isinstance(tensor, CardTensor):
                    kept[name] = host(tensor, parameter=parameter)  # type: ignore[assignment]
