"""A FLUX.1 Kontext pipeline: the parts of FLUX.1 [dev]."""

from pathlib import Path

from diffusers import FluxKontextPipeline

from tests.tiny.flux import flux


def flux_kontext(folder: Path) -> Path:
    """Save a `FluxKontextPipeline` into `folder`; it is made."""
    return flux(folder, kind=FluxKontextPipeline)
