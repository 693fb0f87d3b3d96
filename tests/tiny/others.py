"""Pipelines outside Diffusers' map of text-to-image pipelines, with tiny random weights."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from diffusers import (
    BriaPipeline,
    BriaTransformer2DModel,
    ErnieImagePipeline,
    ErnieImageTransformer2DModel,
    FlowMatchEulerDiscreteScheduler,
    PRXPixelPipeline,
    PRXTransformer2DModel,
)
from transformers import (
    Mistral3Config,
    Mistral3Model,
    Qwen3Model,
)

from benchmarks.tokenizers import qwen3_tokenizer, t5_tokenizer
from tests.tiny import flux2_klein, qwen3, t5
from tests.tiny.flow_vae import flow_vae


def ernie_image(folder: Path) -> Path:
    """Save an `ErnieImagePipeline`: LoRAs, a callback, no prompt enhancer."""
    torch.manual_seed(0)
    letters = qwen3_tokenizer()
    config = Mistral3Config(
        text_config={
            "model_type": "ministral3",
            "vocab_size": len(letters),
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 3,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 8,
            "initializer_range": 0.5,
            "bos_token_id": None,
            "eos_token_id": None,
            "pad_token_id": None,
        },
        vision_config={
            "model_type": "pixtral",
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 28,
            "patch_size": 14,
        },
    )
    transformer: Any = ErnieImageTransformer2DModel(
        hidden_size=32,
        num_attention_heads=2,
        num_layers=2,
        ffn_hidden_size=32,
        in_channels=16,
        out_channels=16,
        text_in_dim=16,
        rope_axes_dim=(4, 6, 6),
    )
    _wake(transformer)
    pipe: Any = ErnieImagePipeline(
        transformer=transformer,
        vae=flux2_klein.vae(),
        text_encoder=Mistral3Model(config),
        tokenizer=letters,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
    )
    pipe.save_pretrained(folder)
    return folder


def bria(folder: Path) -> Path:
    """Save a `BriaPipeline`: a callback, no LoRAs."""
    torch.manual_seed(0)
    letters = t5_tokenizer()
    pipe: Any = BriaPipeline(
        transformer=BriaTransformer2DModel(
            in_channels=64,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            axes_dims_rope=[4, 4, 8],
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=1.0),
        vae=flow_vae(scaling_factor=0.3611, shift_factor=0.1159),
        text_encoder=t5.encoder(letters),
        tokenizer=letters,
    )
    pipe.save_pretrained(folder)
    return folder


def prx_pixel(folder: Path) -> Path:
    """Save a `PRXPixelPipeline`: no VAE, no LoRAs, and sizes of its own, which it resizes from."""
    torch.manual_seed(0)
    transformer: Any = PRXTransformer2DModel(
        in_channels=3,
        patch_size=32,
        context_in_dim=16,
        hidden_size=32,
        num_heads=2,
        depth=1,
        axes_dim=[8, 8],
        bottleneck_size=16,
        resolution_embeds=True,
    )
    _wake(transformer)
    pipe: Any = PRXPixelPipeline(
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        text_encoder=Qwen3Model(qwen3.config(layers=1)),
        tokenizer=qwen3_tokenizer(),
        prompt_max_tokens=32,
    )
    pipe.save_pretrained(folder)
    return folder


def _wake(transformer: torch.nn.Module) -> None:
    """Give weights to layers that begin with none, so that times and words matter."""
    for weight in transformer.parameters():
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.3)


BUILDERS: Mapping[str, Callable[[Path], Path]] = MappingProxyType(
    {
        "ErnieImagePipeline": ernie_image,
        "BriaPipeline": bria,
        "PRXPixelPipeline": prx_pixel,
    }
)
"""By the class that they save."""
