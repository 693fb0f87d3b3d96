"""A Lumina-Image 2.0 pipeline with the real architecture and tiny random weights."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    FlowMatchEulerDiscreteScheduler,
    Lumina2Pipeline,
    Lumina2Transformer2DModel,
)

from tests.tiny import gemma2
from tests.tiny.flow_vae import flow_vae


def lumina2(folder: Path, *, dynamic_shifting: bool = False) -> Path:
    """Save a `Lumina2Pipeline` into `folder`.

    Args:
        folder: Where to; it is made.
        dynamic_shifting: Whether the scheduler takes the shift that the pipeline computes.
    """
    torch.manual_seed(0)
    letters = gemma2.tokenizer()
    pipe: Any = Lumina2Pipeline(
        transformer=_transformer(),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=6.0, use_dynamic_shifting=dynamic_shifting),
        vae=flow_vae(scaling_factor=0.3611, shift_factor=0.1159),
        text_encoder=gemma2.encoder(letters, layers=2),
        tokenizer=letters,
    )
    pipe.save_pretrained(folder)
    return folder


def _transformer() -> Lumina2Transformer2DModel:
    transformer: Any = Lumina2Transformer2DModel(
        sample_size=8,
        in_channels=16,
        hidden_size=48,
        num_layers=2,
        num_refiner_layers=1,
        num_attention_heads=2,
        num_kv_heads=1,
        multiple_of=16,
        axes_dim_rope=(8, 8, 8),
        axes_lens=(300, 16, 16),
        cap_feat_dim=16,
    )
    transformer.time_caption_embed.caption_embedder[1].weight.data *= 4
    return transformer
