"""What scaled dot product attention takes on a card, by the kernel that torch would choose."""

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from tests.card.tensors import CardTensor, DeviceMix, DtypeMix

if TYPE_CHECKING:
    from tests.card.card import Card

FLASH_CAPABILITY = (8, 0)
FLASH_HEAD = 256
"""What the flash kernel needs: the card's capability, and the most a head may be wide."""
FLASH_GRAIN = 8
"""Heads are padded to a multiple of it."""


def attention(
    card: "Card",
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    """`scaled_dot_product_attention`, taking room for what its kernel allocates besides."""
    tensors = [query, key, value, *([] if attn_mask is None else [attn_mask])]
    _require_one_kind(query, key, value, attn_mask)
    half = query.dtype in (torch.float16, torch.bfloat16)
    flash = (
        half
        and query.device.type == "cuda"
        and attn_mask is None
        and card.capability >= FLASH_CAPABILITY
        and query.shape[-1] <= FLASH_HEAD
    )
    beside: list[torch.Tensor] = []
    if flash and query.shape[-1] % FLASH_GRAIN:
        width = -(-query.shape[-1] // FLASH_GRAIN) * FLASH_GRAIN
        beside += [card.room((*t.shape[:-1], width), t.dtype) for t in (query, key, value)]
    if query.device.type == "cuda" and not flash:
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            beside.append(card.room(attn_mask.shape, query.dtype))
        if enable_gqa and key.shape[1] != query.shape[1]:
            repeated = (query.shape[0], query.shape[1], *key.shape[2:])
            beside += [card.room(repeated, t.dtype) for t in (key, value)]
    if flash:
        beside.append(card.room(query.shape[:-1], torch.float32))  # log-sum-exp
    inner = [t.backing if isinstance(t, CardTensor) else t for t in tensors]
    if any(one.is_meta for one in inner):
        *rows, heads, length = query.shape[:-1]
        shape = (*rows, length, heads, value.shape[-1])
        found = torch.empty(shape, dtype=query.dtype, device="meta").transpose(-3, -2)
    else:
        found = functional.scaled_dot_product_attention(
            inner[0],
            inner[1],
            inner[2],
            attn_mask=inner[3] if attn_mask is not None else None,
            is_causal=is_causal,
            scale=scale,
            enable_gqa=enable_gqa,
        )
    result = card.wrap(found, query.device)
    card.launched("scaled_dot_product_attention", tensors, [result])
    del beside
    return result


def _require_one_kind(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None
) -> None:
    devices = {t.device for t in (query, key, value, mask) if t is not None}
    if len(devices) > 1:
        raise DeviceMix(f"attention between {devices}")
    dtypes = {t.dtype for t in (query, key, value)}
    if len(dtypes) > 1 or (mask is not None and mask.dtype not in (torch.bool, query.dtype)):
        raise DtypeMix(f"attention between {dtypes}, mask {getattr(mask, 'dtype', None)}")
