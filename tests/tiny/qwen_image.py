"""A Qwen-Image pipeline with the real architecture and tiny random weights."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLQwenImage,
    FlowMatchEulerDiscreteScheduler,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
)
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2Tokenizer

from benchmarks.tokenizers import qwen3_tokenizer


def qwen_image(folder: Path) -> Path:
    """Save a `QwenImagePipeline` into `folder`; it is made."""
    torch.manual_seed(0)
    letters = qwen3_tokenizer()
    pipe: Any = QwenImagePipeline(
        scheduler=scheduler(),
        vae=vae(),
        text_encoder=Qwen2_5_VLForConditionalGeneration(text_config(letters)),
        tokenizer=letters,
        transformer=transformer(),
    )
    pipe.save_pretrained(folder)
    return folder


def scheduler() -> FlowMatchEulerDiscreteScheduler:
    """Shifted as the published one is."""
    return FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True, base_shift=0.5, max_shift=0.9, shift_terminal=0.02
    )


def text_config(letters: Qwen2Tokenizer) -> Qwen2_5_VLConfig:
    """Hidden states of width 16 for the tokens of `letters`."""
    return Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(letters),
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "initializer_range": 0.5,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e6,
                "mrope_section": [1, 1, 2],
            },
            "bos_token_id": None,
            "eos_token_id": None,
            "pad_token_id": None,
        },
        vision_config={
            "depth": 1,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_heads": 2,
            "out_hidden_size": 16,
        },
    )


def transformer(**options: Any) -> QwenImageTransformer2DModel:
    """A denoiser of width 32; `options` are further ones of its class."""
    denoiser: Any = QwenImageTransformer2DModel(
        in_channels=16,
        out_channels=4,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=16,
        axes_dims_rope=(4, 6, 6),
        **options,
    )
    denoiser.txt_in.weight.data *= 4
    return denoiser


def vae() -> AutoencoderKLQwenImage:
    """Latents of four channels, pictures with contrast."""
    coder: Any = AutoencoderKLQwenImage(
        base_dim=8,
        z_dim=4,
        dim_mult=[1, 1, 2, 2],
        num_res_blocks=1,
        latents_mean=[-0.6, 0.5, -0.3, 0.4],
        latents_std=[1.5, 0.7, 1.2, 0.9],
    )
    coder.decoder.conv_out.weight.data *= 3
    return coder
