"""Stable Diffusion pipelines with the real architecture and tiny random weights."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    LatentConsistencyModelPipeline,
    LCMScheduler,
    StableDiffusionInpaintPipeline,
    StableDiffusionPAGPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
)

from benchmarks.tokenizers import clip_tokenizer

LENGTH = 32
"""Tokens of a prompt."""

WORDS = ("a", "red", "blue", "house", "under", "yellow", "moon", "fish")


def stable_diffusion(
    folder: Path,
    *,
    prediction_type: str = "epsilon",
    guidance_embedding: bool = False,
    channels: int = 16,
    inpainting: bool = False,
) -> Path:
    """Save a pipeline of the Stable Diffusion 1/2 kind into `folder`.

    Args:
        folder: Where to; it is made.
        prediction_type: What the UNet is taken to predict.
        guidance_embedding: Whether the UNet takes the guidance as an input, as LCM models do.
        channels: Width of the UNet's first block; more makes it slower.
        inpainting: Whether the UNet sees masks, in nine channels.
    """
    torch.manual_seed(0)
    words = clip_tokenizer(folder / "words", LENGTH)
    kind: Any = StableDiffusionInpaintPipeline if inpainting else StableDiffusionPipeline
    pipe = kind(
        vae=vae(),
        text_encoder=CLIPTextModel(text_config(words)),
        tokenizer=words,
        unet=unet(
            channels,
            time_cond_proj_dim=16 if guidance_embedding else None,
            in_channels=9 if inpainting else 4,
        ),
        scheduler=DDIMScheduler(**SCHEDULE, prediction_type=prediction_type),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.save_pretrained(folder)
    return folder


def latent_consistency(folder: Path) -> Path:
    """Save a `LatentConsistencyModelPipeline` into `folder`: a kind without a family of its own."""
    torch.manual_seed(0)
    words = clip_tokenizer(folder / "words", LENGTH)
    pipe: Any = LatentConsistencyModelPipeline(
        vae=vae(),
        text_encoder=CLIPTextModel(text_config(words)),
        tokenizer=words,
        unet=unet(16, time_cond_proj_dim=16),
        scheduler=LCMScheduler(**SCHEDULE),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.save_pretrained(folder)
    return folder


def perturbed_attention(folder: Path) -> Path:
    """Save a `StableDiffusionPAGPipeline` into `folder`: runs whole, takes a negative prompt."""
    torch.manual_seed(0)
    words = clip_tokenizer(folder / "words", LENGTH)
    pipe: Any = StableDiffusionPAGPipeline(
        vae=vae(),
        text_encoder=CLIPTextModel(text_config(words)),
        tokenizer=words,
        unet=unet(16),
        scheduler=DDIMScheduler(**SCHEDULE),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.save_pretrained(folder)
    return folder


SCHEDULE: dict[str, Any] = {
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "clip_sample": False,
    "steps_offset": 1,
}


def text_config(words: CLIPTokenizer) -> CLIPTextConfig:
    """A text encoder of two layers and a width of 32."""
    return CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=LENGTH,
        projection_dim=32,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )


def unet(channels: int, **options: Any) -> UNet2DConditionModel:
    """A UNet of two blocks; `options` are laid over its configuration."""
    shape: dict[str, Any] = {
        "sample_size": 8,
        "block_out_channels": (channels, 2 * channels),
        "layers_per_block": 1,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "cross_attention_dim": 32,
        "attention_head_dim": 4,
        "norm_num_groups": 8,
    }
    return UNet2DConditionModel(**shape | options)


def vae(**options: Any) -> AutoencoderKL:
    """An autoencoder with the usual factor of 8; `options` are added to its configuration."""
    return AutoencoderKL(
        block_out_channels=(8, 16, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=4,
        layers_per_block=1,
        **options,
    )
