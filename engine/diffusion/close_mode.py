"""What `[engine] speed` = "close" or "quick" changes in a pipeline that has been loaded.

Matrices that are multiplied in 8 bits are the memory plan's business.
"""

import logging
from typing import Any

import torch

from engine.diffusion.previews import Previewer
from engine.diffusion.sage_attention import use_sage_attention, why_not_sage
from engine.diffusion.tiny_decoder import TinyDecoder
from engine.hub.preview_decoders import PREVIEW_DECODERS, preview_decoder_on_disk
from engine.models.families import FAMILIES, family_named_by

log = logging.getLogger(__name__)


def attend_faster(name: str, pipe: Any, device: torch.device, dtype: torch.dtype) -> None:
    """Have the model called `name` attend by SageAttention, if it can; the log says so, or why."""
    family = family_named_by(type(pipe).__name__)
    reason = why_not_sage(family, dtype, device)
    if family is None or reason is not None:
        log.info("%s doesn't use SageAttention: %s", name, reason)
        return
    use_sage_attention(getattr(pipe, FAMILIES[family].denoiser))
    log.info("%s uses SageAttention", name)


def tiny_previewer(
    name: str, pipe: Any, device: torch.device, dtype: torch.dtype
) -> Previewer | None:
    """A tiny autoencoder in the cache that knows the latents of the model called `name`.

    It isn't downloaded: where it's missing, the log has the command.
    """
    family = family_named_by(type(pipe).__name__)
    if family is None or family not in PREVIEW_DECODERS:
        return None
    repo, folder = PREVIEW_DECODERS[family], preview_decoder_on_disk(family)
    if folder is None:
        log.info("%s would have clearer previews after: hf download %s", name, repo)
        return None
    try:
        decoder = TinyDecoder.load(folder, device, dtype)
    except Exception:
        # Diffusers raises anything over files that it can't load, and previews aren't worth a job.
        log.exception("%s can't be loaded", repo)
        return None
    return decoder if decoder.channels == pipe.vae.config.latent_channels else None
