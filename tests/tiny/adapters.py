"""LoRAs of random weights for the tiny pipelines, and learned words, in the files people share."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

TARGETS: Mapping[str, Sequence[str]] = {
    "unet": ("to_q", "to_k", "to_v", "to_out.0", "proj_in", "conv1", "time_emb_proj"),
    "transformer": ("to_q", "to_k", "to_v", "to_out.0"),
    "text_encoder": ("q_proj", "v_proj", "fc1"),
    "text_encoder_2": ("q_proj", "v_proj", "fc1"),
}
"""Layers that are adapted, by the ends of their names."""


def lora(
    file: Path,
    pipe: Any,
    *components: str,
    seed: int,
    rank: int = 4,
    scale: float = 0.3,
    kohya: bool = False,
    targets: Mapping[str, Sequence[str]] = TARGETS,
) -> Path:
    """Save a LoRA for components of `pipe`.

    Args:
        file: Where to; its folder is made.
        pipe: A Diffusers pipeline without adapters.
        components: Names of what it changes.
        seed: Of its weights.
        rank: Of its weights.
        scale: Deviation of its weights.
        kohya: Whether to name the tensors as the kohya scripts do, with an alpha of half the rank.
        targets: Ends of the names of the layers that are adapted, by component.
    """
    generator = torch.Generator().manual_seed(seed)
    tensors: dict[str, torch.Tensor] = {}
    for component in components:
        for name, layer in getattr(pipe, component).named_modules():
            if not name.endswith(tuple(targets[component])) or not hasattr(layer, "weight"):
                continue
            shape = layer.weight.shape
            one = [1] * (len(shape) - 2)
            down = torch.randn(rank, *shape[1:], generator=generator) * scale
            up = torch.randn(shape[0], rank, *one, generator=generator) * scale
            if kohya:
                prefix = {"unet": "lora_unet", "text_encoder": "lora_te_text_model"}[component]
                key = f"{prefix}_{name.removeprefix('text_model.').replace('.', '_')}"
                tensors |= {f"{key}.lora_down.weight": down, f"{key}.lora_up.weight": up}
                tensors[f"{key}.alpha"] = torch.tensor(rank / 2)
            else:
                key = f"{component}.{name}"
                tensors |= {f"{key}.lora_A.weight": down, f"{key}.lora_B.weight": up}
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, file)
    return file


def learned_word(file: Path, *, seed: int = 0, tokens: int = 2, **widths: int) -> Path:
    """Save vectors that stand for the word that `file` is called by.

    Args:
        file: Where to; its folder is made.
        seed: Of the vectors.
        tokens: How many tokens they take the place of.
        widths: Numbers in each vector, by the name of the tensor.
    """
    generator = torch.Generator().manual_seed(seed)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: torch.randn(tokens, width, generator=generator) for name, width in widths.items()},
        file,
    )
    return file
