"""Previews of pipelines that run whole: where their VAE's latents are known, and time flows."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from PIL import Image
from torch.nn import functional

from engine.diffusion.latent_rgb import FLUX_2, QWEN_IMAGE
from engine.diffusion.previews import LatentMap

MAPS: Mapping[str, LatentMap] = MappingProxyType(
    {"AutoencoderKLQwenImage": QWEN_IMAGE, "AutoencoderKLFlux2": FLUX_2}
)
"""By the class of the VAE, for normalised latents; its channels tell the published ones."""


@contextmanager
def watched(pipe: Any, after_step: Callable[[torch.Tensor | None], None]) -> Iterator[None]:
    """Tell each step of a pipeline's scheduler, if it has one.

    Args:
        pipe: The pipeline, while it is called.
        after_step: Called with the latents as they would be without noise; `None` if only a
            scheduler of another kind knows.
    """
    scheduler = getattr(pipe, "scheduler", None)
    if scheduler is None:
        yield
        return
    own_step = scheduler.step
    signature = inspect.signature(own_step)

    def step(*args: Any, **kwargs: Any) -> Any:
        result = own_step(*args, **kwargs)
        after_step(_without_noise(scheduler, signature.bind(*args, **kwargs).arguments))
        return result

    # DDIM's arguments are looked up in the signature, which a wrapper has to show.
    step.__signature__ = signature  # type: ignore[attr-defined]
    scheduler.step = step
    try:
        yield
    finally:
        del scheduler.step


def _without_noise(scheduler: Any, step: Mapping[str, Any]) -> torch.Tensor | None:
    """Of a flow from a picture x to noise n, x_t - t v, where v = n - x (Liu et al., 2022)."""
    if not isinstance(scheduler, FlowMatchEulerDiscreteScheduler) or scheduler.step_index is None:
        return None
    velocity: torch.Tensor = step["model_output"].float()
    sample: torch.Tensor = step["sample"].float()
    time: torch.Tensor = scheduler.sigmas[scheduler.step_index - 1]
    return sample - time.to(sample) * velocity


def preview_of(pipe: Any, latents: torch.Tensor, width: int, height: int) -> Image.Image | None:
    """A small picture out of the latents of a step; `None` if their layout isn't known.

    Args:
        pipe: Their pipeline.
        latents: Of one picture: (1, channels, h, w), the same with one frame before the height, or
            patches of 2 by 2 latents, as (1, 4 channels, h / 2, w / 2) or a token each.
        width: Of the picture, in pixels.
        height: Likewise.
    """
    latent_map = MAPS.get(type(getattr(pipe, "vae", None)).__name__)
    if latent_map is None:
        return None
    if latents.ndim == 5:
        latents = latents.squeeze(2)
    elif latents.ndim == 3:
        side = (width * height / latents.shape[1]) ** 0.5
        grid = round(height / side), round(width / side)
        if grid[0] * grid[1] != latents.shape[1]:
            return None
        latents = latents.mT.reshape(1, -1, *grid)
    if latents.ndim == 4 and latents.shape[1] == 4 * latent_map.channels:
        latents = functional.pixel_shuffle(latents, 2)
    if latents.ndim != 4 or latents.shape[:2] != (1, latent_map.channels):
        return None
    return latent_map.image(latents[0])
