"""A batch in which each row wears other LoRAs.

PEFT's layers are switched off, and what each row's adapters add is added by a hook: any adapters
at any weights share a batch, also several on one row, which PEFT's own mixed batches
(`adapter_names`: one adapter a row, at one weight for all) cannot do.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from engine.jobs.request import AdapterUse

Uses = tuple[AdapterUse, ...]

Hook = Callable[[Any, tuple[Any, ...], torch.Tensor], torch.Tensor]


EMBEDDER = "embedder"
"""Part of the names of layers that some transformers call with the tokens of all rows in line."""


def can_batch(name: str, layer: Any, key: str) -> bool:
    """Whether what the adapter does in this PEFT layer can be done row by row.

    It must be a plain sum of low rank, in a layer whose input has a row of the batch in each row.
    """
    plain = key in getattr(layer, "lora_A", {}) and key not in layer.lora_variant
    return plain and EMBEDDER not in name


def lora_hook(layer: Any, rows: Sequence[Uses]) -> Hook | None:
    """A hook that adds to each row of the layer's output what its adapters make of its input.

    This is W x + Σ weight · (alpha / rank) · B A x (Hu et al., "LoRA", 2021, section 4.1).

    Args:
        layer: A PEFT layer whose adapters are switched off.
        rows: The adapters of each row of its input, by the keys that PEFT knows them by.

    Returns:
        `None` when no row wears an adapter that the layer has.
    """
    places: dict[AdapterUse, list[int]] = {}
    for row, uses in enumerate(rows):
        for use in uses:
            if use.name in getattr(layer, "lora_A", {}):
                places.setdefault(use, []).append(row)
    if not places:
        return None

    def add(layer: Any, args: tuple[Any, ...], output: torch.Tensor) -> torch.Tensor:
        for use, own in places.items():
            down, up = layer.lora_A[use.name], layer.lora_B[use.name]
            layer.set_scale(use.name, use.weight)
            added = up(down(args[0][own].to(down.weight.dtype))) * layer.scaling[use.name]
            output[own] += added.to(output.dtype)
        return output

    return add
