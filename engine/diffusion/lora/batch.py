"""A batch in which each row has its own LoRAs.

PEFT's layers are disabled, and a hook adds what each row's adapters add. So any adapters at any
weights can share a batch, and a row can have several, which PEFT's own mixed batches
(`adapter_names`: one adapter per row, at one weight for all) can't do.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from engine.diffusion.lora.dora import Gain
from engine.jobs.recipe import AdapterUse

Uses = tuple[AdapterUse, ...]

Hook = Callable[[Any, tuple[Any, ...], torch.Tensor], torch.Tensor]


EMBEDDER = "embedder"
"""Part of the names of layers that some transformers call with all rows' tokens in one sequence."""


def can_batch(name: str, layer: Any, key: str) -> bool:
    """Whether the adapter can be applied row by row in this PEFT layer.

    It must be a plain low-rank sum, in a layer whose input has one row for each row of the batch.
    """
    plain = key in getattr(layer, "lora_A", {}) and key not in layer.lora_variant
    return plain and EMBEDDER not in name


def lora_hook(layer: Any, rows: Sequence[Uses], gains: Mapping[str, Gain]) -> Hook | None:
    """A hook that adds each row's adapters to its row of the layer's output.

    This is W x + Σ weight · (alpha / rank) · B A x (Hu et al., "LoRA", 2021, section 4.1), and
    what DoRA adds to it.

    Args:
        layer: A PEFT layer whose adapters are disabled.
        rows: The adapters of each row of its input, by their PEFT names; if all have the same,
            they are for whatever rows there are.
        gains: DoRA's gains of the layer, by adapter.

    Returns:
        `None` if no row has an adapter that the layer has.
    """
    rows_of: dict[AdapterUse, list[int] | slice] = {}
    for use in dict.fromkeys(use for uses in rows for use in uses):
        if use.name in getattr(layer, "lora_A", {}):
            own = [row for row, uses in enumerate(rows) if use in uses]
            rows_of[use] = own if len(own) < len(rows) else slice(None)
    if not rows_of:
        return None

    def add(layer: Any, args: tuple[Any, ...], output: torch.Tensor) -> torch.Tensor:
        plain = output.clone() if gains else output
        for use, own in rows_of.items():
            down, up = layer.lora_A[use.name], layer.lora_B[use.name]
            layer.set_scale(use.name, use.weight)
            added = up(down(args[0][own].to(down.weight.dtype))) * layer.scaling[use.name]
            if (gain := gains.get(use.name)) is not None:
                added = added + use.weight * gain.added(layer, args[0][own], plain[own])
            output[own] += added.to(output.dtype)
        return output

    return add
