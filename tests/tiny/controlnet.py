"""Control networks with the real architecture and tiny random weights."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    ControlNetModel,
    ControlNetUnionModel,
    QwenImageControlNetModel,
    QwenImageTransformer2DModel,
    UNet2DConditionModel,
    ZImageControlNetModel,
    ZImageTransformer2DModel,
)

LOUD = 0.5
"""Deviation of the weights that training begins at zero, so that control shows."""


def controlnet(folder: Path, unet: UNet2DConditionModel, *, seed: int = 5, union: int = 0) -> Path:
    """Save a control network for `unet` into `folder`.

    Args:
        folder: Where to; it is made.
        unet: What it controls.
        seed: Of its own weights.
        union: For how many types of map it is; 0 for a network of one type.
    """
    torch.manual_seed(seed)
    shape: dict[str, Any] = {
        name: unet.config[name]
        for name in (
            *("down_block_types", "block_out_channels", "layers_per_block", "norm_num_groups"),
            *("cross_attention_dim", "attention_head_dim", "addition_embed_type", "in_channels"),
            *("addition_time_embed_dim", "projection_class_embeddings_input_dim"),
        )
    } | {"conditioning_embedding_out_channels": (4, 4, 4, 4)}
    network: Any
    if union:
        sizes = {
            "num_trans_channel": unet.config.block_out_channels[0],
            "num_proj_channel": unet.config.block_out_channels[0],
            "num_trans_head": 2,
            "addition_time_embed_dim": 8,
        }
        network = ControlNetUnionModel(num_control_type=union, **shape | sizes)
    else:
        network = ControlNetModel(**shape)
    _make_heard(network)
    network.save_pretrained(folder)
    return folder


def qwen_controlnet(folder: Path, transformer: QwenImageTransformer2DModel) -> Path:
    """Save a control network for a Qwen-Image transformer into `folder`: one block for its two."""
    torch.manual_seed(5)
    names = ("in_channels", "attention_head_dim", "num_attention_heads", "joint_attention_dim")
    shape: dict[str, Any] = {
        name: transformer.config[name] for name in (*names, "out_channels", "axes_dims_rope")
    }
    network: Any = QwenImageControlNetModel(num_layers=1, **shape)
    _make_heard(network)
    network.save_pretrained(folder)
    return folder


def z_image_controlnet(
    folder: Path,
    transformer: ZImageTransformer2DModel,
    *,
    channels: int = 4,
    refiner: str | None = "control_noise_refiner",
    layers: Sequence[int] = (0, 1),
) -> Path:
    """Save a control network for a Z-Image transformer into `folder`.

    Args:
        folder: Where to; it is made.
        transformer: What it controls.
        channels: Of the maps' latents, with those of what an inpainting network sees.
        refiner: The layers that control the noise refiner; `None` for the first version.
        layers: Those of the transformer that it adds to.
    """
    torch.manual_seed(5)
    sizes = ("dim", "n_heads", "n_kv_heads", "n_refiner_layers")
    network: Any = ZImageControlNetModel(
        control_layers_places=list(layers),
        control_refiner_layers_places=list(range(transformer.config.n_refiner_layers)),
        control_in_dim=channels,
        add_control_noise_refiner=refiner,
        **{name: transformer.config[name] for name in sizes},
    )
    _make_heard(network)
    network.save_pretrained(folder)
    return folder


def _make_heard(network: torch.nn.Module) -> None:
    for name, weights in network.named_parameters():
        if not weights.any() and name.endswith("weight"):
            weights.data.normal_(std=LOUD)
