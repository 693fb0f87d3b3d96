"""What the architectures of `benchmarks.memory_models` have in common."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import diffusers
import torch
import transformers


def clip(layers: int, width: int, heads: int, projection: int, act: str) -> Any:
    """The configuration of a CLIP text encoder."""
    return transformers.CLIPTextConfig(
        vocab_size=49408,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        projection_dim=projection,
        hidden_act=act,
        max_position_embeddings=77,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )


CLIP_L = (12, 768, 12, 768, "quick_gelu")
BIG_G = (32, 1280, 20, 1280, "gelu")


def vae(sample_size: int, scaling_factor: float, **options: Any) -> Any:
    """The autoencoder of all four; that of the flow models has 16 channels and a shift."""
    return diffusers.AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        sample_size=sample_size,
        scaling_factor=scaling_factor,
        **{"latent_channels": 4} | options,
    )


FLOW_VAE: Mapping[str, Any] = MappingProxyType(
    {
        "latent_channels": 16,
        "shift_factor": 0.1159,
        "use_quant_conv": False,
        "use_post_quant_conv": False,
    }
)


BETAS: Mapping[str, Any] = MappingProxyType(
    {
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "steps_offset": 1,
    }
)


def on_cpu(make: Callable[[], Any]) -> Any:
    """A scheduler, which computes while it is made."""
    with torch.device("cpu"):
        return make()
