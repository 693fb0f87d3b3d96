"""IP-Adapters and their image encoder with the real architecture and layout, tiny and random."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

WIDTH = 64
"""Of the resampler: one head of Diffusers' has as much."""

SEEN, EMBEDDING = 32, 24
"""Width of the image encoder, and of its embedding of a whole picture."""


def image_encoder(folder: Path, *, width: int = SEEN) -> Path:
    """Save a CLIP image encoder into `folder`, without a processor, as h94/IP-Adapter has it."""
    torch.manual_seed(1)
    config = CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=64,
        projection_dim=EMBEDDING,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=32,
        patch_size=8,
    )
    CLIPVisionModelWithProjection(config).save_pretrained(folder)
    return folder


def ip_adapter(file: Path, unet: Any, *, plus: bool = True) -> Path:
    """Save an IP-Adapter for `unet`: the plus kind with four tokens, or the plain one."""
    torch.manual_seed(2)
    cross = unet.config.cross_attention_dim

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape).div(float(shape[-1]) ** 0.5)

    tensors = (
        _resampler(random, cross)
        if plus
        else {
            "proj.weight": random(4 * cross, EMBEDDING),
            "proj.bias": torch.zeros(4 * cross),
            "norm.weight": torch.ones(cross),
            "norm.bias": torch.zeros(cross),
        }
    )
    saved = {f"image_proj.{name}": tensor for name, tensor in tensors.items()}
    for number, name in enumerate(unet.attn_processors):
        if name.endswith("attn2.processor"):
            out = unet.get_submodule(name.removesuffix(".processor")).to_q.out_features
            for kind in ("k", "v"):
                saved[f"ip_adapter.{number}.to_{kind}_ip.weight"] = 2 * random(out, cross)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(saved, file)
    return file


def _resampler(random: Any, cross: int) -> dict[str, torch.Tensor]:
    """The plus kind's projection: `Resampler` of the IP-Adapter repository, with two layers."""

    def norm(width: int) -> dict[str, torch.Tensor]:
        return {"weight": torch.ones(width), "bias": torch.zeros(width)}

    tensors = {
        "latents": random(1, 4, WIDTH),
        "proj_in.weight": random(WIDTH, SEEN),
        "proj_in.bias": torch.zeros(WIDTH),
        "proj_out.weight": random(cross, WIDTH),
        "proj_out.bias": torch.zeros(cross),
        **{f"norm_out.{name}": tensor for name, tensor in norm(cross).items()},
    }
    for layer in ("layers.0", "layers.1", "layers.2", "layers.3"):
        for part in ("0.norm1", "0.norm2", "1.0"):
            tensors |= {f"{layer}.{part}.{name}": each for name, each in norm(WIDTH).items()}
        tensors[f"{layer}.0.to_q.weight"] = random(WIDTH, WIDTH)
        tensors[f"{layer}.0.to_kv.weight"] = random(2 * WIDTH, WIDTH)
        tensors[f"{layer}.0.to_out.weight"] = random(WIDTH, WIDTH)
        tensors[f"{layer}.1.1.weight"] = random(4 * WIDTH, WIDTH)
        tensors[f"{layer}.1.3.weight"] = random(WIDTH, 4 * WIDTH)
    return tensors
