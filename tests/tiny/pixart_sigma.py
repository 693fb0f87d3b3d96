"""A PixArt-Σ pipeline with the real architecture and tiny random weights."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    PixArtSigmaPipeline,
    PixArtTransformer2DModel,
)

from benchmarks.tokenizers import t5_tokenizer
from tests import tiny
from tests.tiny import t5


def pixart_sigma(folder: Path) -> Path:
    """Save a `PixArtSigmaPipeline` into `folder`; it is made."""
    torch.manual_seed(0)
    letters = t5_tokenizer()
    pipe: Any = PixArtSigmaPipeline(
        tokenizer=letters,
        text_encoder=t5.encoder(letters),
        vae=tiny.vae(),
        transformer=_transformer(),
        scheduler=DPMSolverMultistepScheduler(beta_schedule="linear"),
    )
    pipe.save_pretrained(folder)
    return folder


def _transformer() -> PixArtTransformer2DModel:
    return PixArtTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        out_channels=8,
        num_layers=2,
        cross_attention_dim=16,
        sample_size=8,
        caption_channels=32,
        use_additional_conditions=False,
    )
