"""A Qwen-Image 2.1 pipeline with the real architecture and tiny random weights."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLQwenImage21,
    FlowMatchEulerDiscreteScheduler,
    QwenImage21Pipeline,
    QwenImage21Transformer2DModel,
)
from transformers import Qwen2Tokenizer, Qwen3VLConfig, Qwen3VLForConditionalGeneration

from benchmarks.tokenizers import qwen3_tokenizer
from tests.tiny.vision import processor

CHANNELS = 8

PIXELS = {"shortest_edge": 32 * 32, "longest_edge": 1024 * 1024}
"""Of pictures that the processor leaves as large as they are."""


def qwen_image_21(folder: Path, sample_sigmas: Sequence[float] | None = None) -> Path:
    """Save a `QwenImage21Pipeline` into `folder`.

    Args:
        folder: Where to; it is made.
        sample_sigmas: Those that it is distilled to, if it is.
    """
    torch.manual_seed(0)
    letters = qwen3_tokenizer(vision=True)
    reads = {"patch_size": 16, "size": PIXELS}
    pipe: Any = QwenImage21Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(
            use_dynamic_shifting=True, base_shift=0.5, max_shift=0.9, shift_terminal=0.02
        ),
        vae=_vae(),
        text_encoder=Qwen3VLForConditionalGeneration(text_config(letters)),
        processor=processor(folder / "processor", "Qwen3VLProcessor", letters, **reads),
        transformer=_transformer(),
        sample_sigmas=list(sample_sigmas) if sample_sigmas else None,
    )
    pipe.save_pretrained(folder)
    return folder


def text_config(letters: Qwen2Tokenizer, layers: int = 2) -> Qwen3VLConfig:
    """Hidden states of width 16 for the tokens of `letters`."""
    return Qwen3VLConfig(
        text_config={
            "vocab_size": len(letters),
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": layers,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 8,
            "initializer_range": 0.5,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e6,
                "mrope_section": [2, 1, 1],
                "mrope_interleaved": True,
            },
            "bos_token_id": None,
            "eos_token_id": None,
            "pad_token_id": None,
        },
        vision_config={
            "depth": 2,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_heads": 2,
            "out_hidden_size": 16,
            "num_position_embeddings": 16,
            "deepstack_visual_indexes": [0],
            "initializer_range": 0.5,
        },
        image_token_id=letters.convert_tokens_to_ids("<|image_pad|>"),
        video_token_id=letters.convert_tokens_to_ids("<|video_pad|>"),
        vision_start_token_id=letters.convert_tokens_to_ids("<|vision_start|>"),
        vision_end_token_id=letters.convert_tokens_to_ids("<|vision_end|>"),
    )


def _transformer() -> QwenImage21Transformer2DModel:
    transformer: Any = QwenImage21Transformer2DModel(
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        context_in_dim=16,
        axes_dims_rope=(4, 6, 6),
    )
    for block in transformer.transformer_blocks:
        for norm in (block.attn.norm_q, block.attn.norm_k):
            norm.weight.data.fill_(3.0)  # else all tokens weigh the same, and words hardly matter
        block.attn.to_out[0].weight.data *= 3
    return transformer


def _vae() -> AutoencoderKLQwenImage21:
    return AutoencoderKLQwenImage21(
        base_dim=8,
        decoder_base_dim=8,
        z_dim=CHANNELS,
        dim_mult=[1, 1, 1, 2, 2],
        num_res_blocks=1,
        latents_mean=[-0.6, 0.5, -0.3, 0.4] * 2,
        latents_std=[1.5, 0.7, 1.2, 0.9] * 2,
    )
