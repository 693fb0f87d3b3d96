"""Tiny pipelines of the UNet families: those that paint, and those that see masks."""

from pathlib import Path
from typing import Any

import diffusers
import pytest

from engine.diffusion.families import Family, family_of
from tests import tiny
from tests.engine.diffusion.families.parity import parts
from tests.tiny.sdxl import sdxl


@pytest.fixture(scope="session")
def unet_pipes(
    tmp_path_factory: pytest.TempPathFactory, folders: dict[str, Path]
) -> dict[str, Any]:
    """The pipelines by kind, loaded once."""
    new = tmp_path_factory.mktemp
    saved = {
        "sd": folders["epsilon"],
        "sd distilled": folders["distilled"],
        "sd sees masks": tiny.stable_diffusion(new("sd"), inpainting=True),
        "xl": sdxl(new("xl")),
        "xl distilled": sdxl(new("xl"), guidance_embedding=True),
        "xl normalized": sdxl(new("xl"), normalized=True),
        "xl sees masks": sdxl(new("xl"), inpainting=True),
    }
    loaded = {}
    for kind, folder in saved.items():
        pipe: Any = diffusers.AutoPipelineForText2Image.from_pretrained(
            folder, add_watermarker=False
        )
        pipe.set_progress_bar_config(disable=True)
        loaded[kind] = pipe
    return loaded


@pytest.fixture(scope="session")
def unets(unet_pipes: dict[str, Any]) -> dict[str, Family]:
    """Their families."""
    return {kind: family_of(pipe, parts(pipe), None) for kind, pipe in unet_pipes.items()}
