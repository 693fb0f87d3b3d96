"""The architectures that `benchmarks.memory` measures, with random weights.

    python -m benchmarks.memory_models NAME FOLDER [--tiny]

Configurations are those that the checkpoints are published with; the safety checker of Stable
Diffusion 1.5 is left out. Tokenizers are of the right class and know letters only: prompts become
a few tokens more.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

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
    clip_tokenizer,
    on_cpu,
    vae,
)
from benchmarks.memory_sizes import SIZES
from benchmarks.memory_weights import write_pipeline
from tests.tiny import qwen3, stable_diffusion, t5
from tests.tiny.flux import flux
from tests.tiny.sdxl import sdxl
from tests.tiny.z_image import z_image


@dataclass(frozen=True, slots=True)
class Architecture:
    """How to come by a pipeline: `full` on the meta device, `tiny` saved into a folder.

    `full` is given a folder to keep a vocabulary in.
    """

    full: Callable[[Path], Any]
    tiny: Callable[[Path], Path]


def prepare(name: str, folder: Path, *, tiny: bool = False) -> Path:
    """Have the weights of the architecture `name` in `folder`; what is there already stays."""
    if (folder / "model_index.json").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    architecture = ARCHITECTURES[name]
    if tiny:
        return architecture.tiny(folder)
    with torch.device("meta"):
        pipe = architecture.full(folder)
    return write_pipeline(pipe, folder, getattr(torch, SIZES[name].half))


def _sd15(folder: Path) -> Any:
    return diffusers.StableDiffusionPipeline(
        vae=vae(512, 0.18215),
        text_encoder=transformers.CLIPTextModel(clip(*CLIP_L)),
        tokenizer=clip_tokenizer(folder),
        unet=diffusers.UNet2DConditionModel(
            sample_size=64, cross_attention_dim=768, attention_head_dim=8
        ),
        scheduler=on_cpu(lambda: diffusers.PNDMScheduler(**BETAS, skip_prk_steps=True)),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _sdxl(folder: Path) -> Any:
    words = clip_tokenizer(folder)
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
        tokenizer=clip_tokenizer(folder),
        text_encoder_2=transformers.T5EncoderModel(t5_xxl),
        tokenizer_2=t5.tokenizer(),
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
        tokenizer=qwen3.tokenizer(),
        transformer=diffusers.ZImageTransformer2DModel(),
    )


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        "sd15": Architecture(_sd15, stable_diffusion),
        "sdxl": Architecture(_sdxl, sdxl),
        "flux": Architecture(_flux, lambda folder: flux(folder, schnell=True)),
        "z-image": Architecture(_z_image, z_image),
    }
)


def main(name: str, folder: Path, tiny: Annotated[bool, typer.Option("--tiny")] = False) -> None:
    """Write the weights of one architecture."""
    prepare(name, folder, tiny=tiny)


if __name__ == "__main__":
    typer.run(main)
