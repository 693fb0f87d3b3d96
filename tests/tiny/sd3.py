"""A Stable Diffusion 3 pipeline with the real architecture and tiny random weights."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    FlowMatchEulerDiscreteScheduler,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
)
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer

from benchmarks.tokenizers import clip_tokenizer, t5_tokenizer
from tests.tiny import LENGTH, t5
from tests.tiny.flow_vae import flow_vae


def sd3(folder: Path, *, with_t5: bool = True, dynamic_shifting: bool = False) -> Path:
    """Save a `StableDiffusion3Pipeline` into `folder`.

    Args:
        folder: Where to; it is made.
        with_t5: Whether the third text encoder is there.
        dynamic_shifting: Whether the noise is shifted by the size of the picture; the attention
            is then that of SD 3.5, too.
    """
    torch.manual_seed(0)
    words = clip_tokenizer(folder / "words", LENGTH)
    letters = t5_tokenizer()
    pipe: Any = StableDiffusion3Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=dynamic_shifting),
        vae=flow_vae(scaling_factor=1.5305, shift_factor=0.0609),
        text_encoder=CLIPTextModelWithProjection(_text_config(words)),
        tokenizer=words,
        text_encoder_2=CLIPTextModelWithProjection(_text_config(words)),
        tokenizer_2=words,
        text_encoder_3=t5.encoder(letters) if with_t5 else None,
        tokenizer_3=letters if with_t5 else None,
        transformer=_transformer(three_and_a_half=dynamic_shifting),
    )
    pipe.save_pretrained(folder)
    return folder


def _text_config(words: CLIPTokenizer) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=32,
        projection_dim=16,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )


def _transformer(*, three_and_a_half: bool) -> SD3Transformer2DModel:
    transformer: Any = SD3Transformer2DModel(
        sample_size=32,
        patch_size=2,
        in_channels=16,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=32,
        caption_projection_dim=32,
        pooled_projection_dim=32,
        out_channels=16,
        pos_embed_max_size=32,
        qk_norm="rms_norm" if three_and_a_half else None,
        dual_attention_layers=(0,) if three_and_a_half else (),
    )
    transformer.context_embedder.weight.data *= 8
    return transformer
