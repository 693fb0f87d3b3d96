"""A FLUX.2 klein pipeline with the real architecture and tiny random weights."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLFlux2,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    Flux2Transformer2DModel,
)
from torch.nn.functional import pixel_unshuffle
from transformers import Qwen3ForCausalLM

from benchmarks.tokenizers import qwen3_tokenizer
from tests.tiny import qwen3

LAYERS = 27
"""The pipeline reads the hidden states after layers 9, 18 and 27."""


def flux2_klein(folder: Path) -> Path:
    """Save a `Flux2KleinPipeline` that is not distilled into `folder`; it is made."""
    torch.manual_seed(0)
    pipe: Any = Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        vae=vae(),
        text_encoder=Qwen3ForCausalLM(qwen3.config(LAYERS)),
        tokenizer=qwen3_tokenizer(),
        transformer=_transformer(),
    )
    pipe.save_pretrained(folder)
    return folder


def _transformer() -> Flux2Transformer2DModel:
    transformer: Any = Flux2Transformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=3 * 16,
        timestep_guidance_channels=32,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=False,
    )
    transformer.proj_out.weight.data *= 4
    for block in (*transformer.transformer_blocks, *transformer.single_transformer_blocks):
        for norm in (block.attn.norm_q, block.attn.norm_k):
            norm.weight.data.fill_(3.0)  # else all tokens weigh the same, and words hardly matter
    return transformer


def vae() -> AutoencoderKLFlux2:
    """An autoencoder whose statistics are those of its latents, as if it were trained."""
    model: Any = AutoencoderKLFlux2(
        block_out_channels=(8, 8, 16, 16),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
    )
    blocks = torch.rand(8, 3, 8, 8).mul(2).sub(1)
    pictures = blocks.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
    with torch.no_grad():
        latents = model.encode(pictures).latent_dist.mode()
    patches = pixel_unshuffle(latents, 2)
    model.bn.running_mean.copy_(patches.mean((0, 2, 3)))
    model.bn.running_var.copy_(patches.var((0, 2, 3)))
    return model
