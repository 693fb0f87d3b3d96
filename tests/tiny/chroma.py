"""A Chroma pipeline with the real architecture and tiny random weights."""

from pathlib import Path
from typing import Any

import torch
from diffusers import ChromaPipeline, ChromaTransformer2DModel, FlowMatchEulerDiscreteScheduler

from benchmarks.tokenizers import t5_tokenizer
from tests.tiny import t5
from tests.tiny.flow_vae import flow_vae


def chroma(folder: Path) -> Path:
    """Save a `ChromaPipeline` into `folder`; it is made."""
    torch.manual_seed(0)
    letters = t5_tokenizer()
    transformer: Any = ChromaTransformer2DModel(
        in_channels=64,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        axes_dims_rope=(4, 4, 8),
        approximator_num_channels=16,
        approximator_hidden_dim=32,
        approximator_layers=1,
    )
    transformer.context_embedder.weight.data *= 32
    pipe: Any = ChromaPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        vae=flow_vae(scaling_factor=0.3611, shift_factor=0.1159),
        text_encoder=t5.encoder(letters),
        tokenizer=letters,
        transformer=transformer,
    )
    pipe.save_pretrained(folder)
    return folder
