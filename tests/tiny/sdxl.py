"""A Stable Diffusion XL pipeline with the real architecture and tiny random weights."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    EulerDiscreteScheduler,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
)
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from benchmarks.tokenizers import clip_tokenizer
from tests import tiny

STATISTICS = {"latents_mean": [-0.6, 0.5, -0.3, 0.4], "latents_std": [1.5, 0.7, 1.2, 0.9]}

DEEP = {
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
}


def sdxl(
    folder: Path,
    *,
    guidance_embedding: bool = False,
    inpainting: bool = False,
    normalized: bool = False,
    second_width: int = 32,
    deep: bool = False,
) -> Path:
    """Save a pipeline into `folder`.

    Args:
        folder: Where to; it is made.
        guidance_embedding: Whether the UNet takes the guidance as an input, as LCM models do.
        inpainting: Whether the UNet sees masks, in nine channels.
        normalized: Whether the VAE tells mean and deviation of its latents, as that of Playground
            2.5 does; such a pipeline takes no negative prompt for an empty one, not for zeros.
        second_width: Width of the second text encoder; in true models it is not that of the first.
        deep: Whether the UNet attends to the prompt at its lowest stage alone, as true models do.
    """
    torch.manual_seed(0)
    words = clip_tokenizer(folder / "words", tiny.LENGTH)
    config = tiny.text_config(words)
    second = tiny.text_config(words)
    second.hidden_size = second_width
    kind: Any = StableDiffusionXLInpaintPipeline if inpainting else StableDiffusionXLPipeline
    pipe = kind(
        vae=tiny.vae(**STATISTICS if normalized else {}),
        text_encoder=CLIPTextModel(config),
        text_encoder_2=CLIPTextModelWithProjection(second),
        tokenizer=words,
        tokenizer_2=words,
        unet=tiny.unet(
            16,
            in_channels=9 if inpainting else 4,
            time_cond_proj_dim=16 if guidance_embedding else None,
            cross_attention_dim=32 + second_width,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + 32,
            **DEEP if deep else {},
        ),
        scheduler=EulerDiscreteScheduler(
            beta_schedule="scaled_linear",
            beta_start=0.00085,
            beta_end=0.012,
            steps_offset=1,
            timestep_spacing="leading",
        ),
        force_zeros_for_empty_prompt=not normalized,
        add_watermarker=False,
    )
    pipe.save_pretrained(folder)
    return folder
