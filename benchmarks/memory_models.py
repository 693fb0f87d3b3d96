"""The architectures that `benchmarks.memory` measures, with random weights.

    python -m benchmarks.memory_models NAME FOLDER

Configurations are those that the checkpoints are published with; the safety checker of Stable
Diffusion 1.5 is left out. Tokenizers are of the right class and know letters only: prompts become
a few tokens more.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import diffusers
import torch
import transformers
import typer

from benchmarks.memory_parts import (
    BETAS,
    BIG_G,
    CLIP_L,
    FLOW_VAE,
    clip,
    on_cpu,
    vae,
)
from benchmarks.memory_sizes import SIZES
from benchmarks.memory_weights import write_pipeline
from benchmarks.tokenizers import clip_tokenizer, qwen3_tokenizer, t5_tokenizer


def prepare(name: str, folder: Path) -> Path:
    """Have the weights of the architecture `name` in `folder`; what is there already stays."""
    if (folder / "model_index.json").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    with torch.device("meta"):
        pipe = ARCHITECTURES[name](folder)
    return write_pipeline(pipe, folder, getattr(torch, SIZES[name].half))


def _sd15(folder: Path) -> Any:
    return diffusers.StableDiffusionPipeline(
        vae=vae(512, 0.18215),
        text_encoder=transformers.CLIPTextModel(clip(*CLIP_L)),
        tokenizer=clip_tokenizer(folder / "words"),
        unet=diffusers.UNet2DConditionModel(
            sample_size=64, cross_attention_dim=768, attention_head_dim=8
        ),
        scheduler=on_cpu(lambda: diffusers.PNDMScheduler(**BETAS, skip_prk_steps=True)),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _sdxl(folder: Path) -> Any:
    words = clip_tokenizer(folder / "words")
    return diffusers.StableDiffusionXLPipeline(
        vae=vae(1024, 0.13025),
        text_encoder=transformers.CLIPTextModel(clip(*CLIP_L)),
        text_encoder_2=transformers.CLIPTextModelWithProjection(clip(*BIG_G)),
        tokenizer=words,
        tokenizer_2=words,
        unet=diffusers.UNet2DConditionModel(
            sample_size=128,
            block_out_channels=(320, 640, 1280),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            transformer_layers_per_block=(1, 2, 10),
            attention_head_dim=(5, 10, 20),
            cross_attention_dim=2048,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
        ),
        scheduler=on_cpu(
            lambda: diffusers.EulerDiscreteScheduler(**BETAS, timestep_spacing="leading")
        ),
        add_watermarker=False,
    )


def _flux(folder: Path) -> Any:
    """FLUX.1 schnell; that of “dev” has one small layer more, for the guidance."""
    t5_xxl = transformers.T5Config(
        vocab_size=32128,
        d_model=4096,
        d_kv=64,
        d_ff=10240,
        num_layers=24,
        num_heads=64,
        feed_forward_proj="gated-gelu",
    )
    return diffusers.FluxPipeline(
        scheduler=on_cpu(lambda: diffusers.FlowMatchEulerDiscreteScheduler(shift=1.0)),
        vae=vae(1024, 0.3611, **FLOW_VAE),
        text_encoder=transformers.CLIPTextModel(clip(*CLIP_L)),
        tokenizer=clip_tokenizer(folder / "words"),
        text_encoder_2=transformers.T5EncoderModel(t5_xxl),
        tokenizer_2=t5_tokenizer(),
        transformer=diffusers.FluxTransformer2DModel(guidance_embeds=False),
    )


def _z_image(_: Path) -> Any:
    qwen3_4b = transformers.Qwen3Config(
        vocab_size=151936,
        hidden_size=2560,
        intermediate_size=9728,
        num_hidden_layers=36,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=128,
        max_position_embeddings=40960,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )
    return diffusers.ZImagePipeline(
        scheduler=on_cpu(lambda: diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)),
        vae=vae(1024, 0.3611, **FLOW_VAE),
        text_encoder=transformers.Qwen3Model(qwen3_4b),
        tokenizer=qwen3_tokenizer(),
        transformer=diffusers.ZImageTransformer2DModel(),
    )


ARCHITECTURES: Mapping[str, Callable[[Path], Any]] = MappingProxyType(
    {"sd15": _sd15, "sdxl": _sdxl, "flux": _flux, "z-image": _z_image}
)
"""Each makes a pipeline on the current device; a vocabulary is kept in the folder."""


def main(name: str, folder: Path) -> None:
    """Write the weights of one architecture."""
    prepare(name, folder)


if __name__ == "__main__":
    typer.run(main)
