"""A Sana pipeline with the real architecture and tiny random weights."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderDC,
    DPMSolverMultistepScheduler,
    SanaPipeline,
    SanaTransformer2DModel,
)

from tests.tiny import gemma2


def sana(folder: Path, *, learned_variance: bool = False) -> Path:
    """Save a `SanaPipeline` into `folder`.

    Args:
        folder: Where to; it is made.
        learned_variance: Whether the transformer predicts the variance in further channels.
    """
    torch.manual_seed(0)
    letters = gemma2.tokenizer()
    pipe: Any = SanaPipeline(
        tokenizer=letters,
        text_encoder=gemma2.encoder(letters),
        vae=_vae(),
        transformer=_transformer(8 if learned_variance else 4),
        scheduler=DPMSolverMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
    )
    pipe.save_pretrained(folder)
    return folder


def _transformer(out_channels: int) -> SanaTransformer2DModel:
    return SanaTransformer2DModel(
        in_channels=4,
        out_channels=out_channels,
        num_attention_heads=2,
        attention_head_dim=8,
        num_layers=2,
        num_cross_attention_heads=2,
        cross_attention_head_dim=8,
        cross_attention_dim=16,
        caption_channels=16,
        sample_size=8,
    )


def _vae() -> AutoencoderDC:
    """Makes each side eight times smaller; that of Sana has two levels more."""
    blocks = ("ResBlock", "ResBlock", "ResBlock", "EfficientViTBlock")
    channels = (8, 8, 16, 16)
    return AutoencoderDC(
        latent_channels=4,
        attention_head_dim=4,
        encoder_block_types=blocks,
        decoder_block_types=blocks,
        encoder_block_out_channels=channels,
        decoder_block_out_channels=channels,
        encoder_layers_per_block=(1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1),
        encoder_qkv_multiscales=((), (), (), (5,)),
        decoder_qkv_multiscales=((), (), (), (5,)),
        scaling_factor=0.41407,
    )
