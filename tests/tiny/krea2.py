"""A Krea 2 pipeline with the real architecture and tiny random weights."""

from pathlib import Path
from typing import Any

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, Krea2Pipeline, Krea2Transformer2DModel
from transformers import Qwen3VLConfig, Qwen3VLModel

from benchmarks.tokenizers import qwen3_tokenizer
from tests.tiny.qwen_image import vae

LAYERS = (1, 2, 3)
"""Whose hidden states the transformer takes."""


def krea2(folder: Path, *, distilled: bool = False) -> Path:
    """Save a `Krea2Pipeline` into `folder`.

    Args:
        folder: Where to; it is made.
        distilled: Whether it is “Turbo”, whose sigmas are shifted by the same for all sizes.
    """
    torch.manual_seed(0)
    letters = qwen3_tokenizer()
    pipe: Any = Krea2Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(
            use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15, max_image_seq_len=6400
        ),
        vae=vae(),
        text_encoder=Qwen3VLModel(_text_config(len(letters))),
        tokenizer=letters,
        transformer=_transformer(),
        text_encoder_select_layers=LAYERS,
        is_distilled=distilled,
    )
    pipe.save_pretrained(folder)
    return folder


def _text_config(vocab_size: int) -> Qwen3VLConfig:
    return Qwen3VLConfig(
        text_config={
            "vocab_size": vocab_size,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 3,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 8,
            "initializer_range": 0.5,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e6,
                "mrope_section": [1, 1, 2],
                "mrope_interleaved": True,
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
            "deepstack_visual_indexes": [0],
            "num_position_embeddings": 16,
        },
    )


def _transformer() -> Krea2Transformer2DModel:
    transformer: Any = Krea2Transformer2DModel(
        in_channels=16,
        num_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=32,
        timestep_embed_dim=32,
        text_hidden_dim=16,
        num_text_layers=len(LAYERS),
        text_num_attention_heads=2,
        text_num_key_value_heads=2,
        text_intermediate_size=16,
        num_layerwise_text_blocks=1,
        num_refiner_text_blocks=1,
        axes_dims_rope=(4, 6, 6),
    )
    transformer.txt_in.linear_2.weight.data *= 32
    transformer.time_mod_proj.weight.data *= 8
    transformer.final_layer.linear.weight.data *= 2
    for block in transformer.transformer_blocks:
        for norm in (block.attn.norm_q, block.attn.norm_k):
            norm.weight.data.fill_(2.0)  # else all tokens weigh the same, and words hardly matter
    return transformer
