"""A FLUX.1 pipeline with the real architecture and tiny random weights."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from benchmarks.tokenizers import clip_tokenizer, t5_tokenizer
from tests.tiny import LENGTH, t5
from tests.tiny.flow_vae import flow_vae


def flux(folder: Path, *, schnell: bool = False, kind: Any = FluxPipeline) -> Path:
    """Save a pipeline into `folder`.

    Args:
        folder: Where to; it is made.
        schnell: Whether it is the one without guidance and shift, else “dev”.
        kind: The pipeline's class.
    """
    torch.manual_seed(0)
    words = clip_tokenizer(folder / "words", LENGTH)
    letters = t5_tokenizer()
    shift: dict[str, Any] = (
        {"shift": 1.0} if schnell else {"shift": 3.0, "use_dynamic_shifting": True}
    )
    pipe: Any = kind(
        scheduler=FlowMatchEulerDiscreteScheduler(**shift),
        vae=flow_vae(scaling_factor=0.3611, shift_factor=0.1159),
        text_encoder=CLIPTextModel(_text_config(words)),
        tokenizer=words,
        text_encoder_2=t5.encoder(letters),
        tokenizer_2=letters,
        transformer=_transformer(guidance_embeds=not schnell),
    )
    pipe.save_pretrained(folder)
    return folder


def _text_config(words: CLIPTokenizer) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=32,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )


def _transformer(*, guidance_embeds: bool) -> FluxTransformer2DModel:
    transformer: Any = FluxTransformer2DModel(
        in_channels=64,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=16,
        guidance_embeds=guidance_embeds,
        axes_dims_rope=(4, 4, 8),
    )
    transformer.context_embedder.weight.data *= 32
    return transformer
