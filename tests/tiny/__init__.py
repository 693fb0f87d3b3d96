"""Stable Diffusion pipelines with the real architecture and tiny random weights."""

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    LatentConsistencyModelPipeline,
    LCMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

WORDS = ("a", "red", "blue", "house", "under", "yellow", "moon", "fish")


def tokenizer(folder: Path) -> CLIPTokenizer:
    """A CLIP tokenizer that knows letters and nothing else."""
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)] + list("0123456789.,")
    tokens = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{x}</w>" for x in letters)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer.from_pretrained(folder, model_max_length=32)


def stable_diffusion(
    folder: Path,
    *,
    prediction_type: str = "epsilon",
    guidance_embedding: bool = False,
    channels: int = 16,
) -> Path:
    """Save a pipeline of the Stable Diffusion 1/2 kind into `folder`.

    Args:
        folder: Where to; it is made.
        prediction_type: What the UNet is taken to predict.
        guidance_embedding: Whether the UNet takes the guidance as an input, as LCM models do.
        channels: Width of the UNet's first block; more makes it slower.
    """
    torch.manual_seed(0)
    words = tokenizer(folder / "words")
    pipe: Any = StableDiffusionPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(_text_config(words)),
        tokenizer=words,
        unet=_unet(channels, time_cond_proj_dim=16 if guidance_embedding else None),
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
    words = tokenizer(folder / "words")
    pipe: Any = LatentConsistencyModelPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(_text_config(words)),
        tokenizer=words,
        unet=_unet(16, time_cond_proj_dim=16),
        scheduler=LCMScheduler(**SCHEDULE),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.save_pretrained(folder)
    return folder


def stable_diffusion_xl(folder: Path) -> Path:
    """Save a `StableDiffusionXLPipeline` into `folder`: it takes no prompt as zeros."""
    torch.manual_seed(0)
    words = tokenizer(folder / "words")
    config = _text_config(words)
    pipe: Any = StableDiffusionXLPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(config),
        text_encoder_2=CLIPTextModelWithProjection(config),
        tokenizer=words,
        tokenizer_2=words,
        unet=_unet(
            16,
            cross_attention_dim=64,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + 32,
        ),
        scheduler=DDIMScheduler(**SCHEDULE),
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


def _text_config(words: CLIPTokenizer) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=32,
        projection_dim=32,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )


def _unet(channels: int, **options: Any) -> UNet2DConditionModel:
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


def _vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 16, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=4,
        layers_per_block=1,
    )
