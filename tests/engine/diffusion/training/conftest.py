"""Tiny models to train on, by family."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import tiny
from tests.tiny.flux import flux
from tests.tiny.flux2_klein import flux2_klein
from tests.tiny.qwen_image import qwen_image
from tests.tiny.sdxl import sdxl
from tests.tiny.z_image import z_image

BASES: dict[str, Callable[[Path], Path]] = {
    "sd": tiny.stable_diffusion,
    "sd velocity": lambda folder: tiny.stable_diffusion(folder, prediction_type="v_prediction"),
    "sdxl": sdxl,
    "flux": flux,
    "flux without guidance": lambda folder: flux(folder, schnell=True),
    "flux2-klein": flux2_klein,
    "z-image": z_image,
    "qwen-image": qwen_image,
}


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Callable[[str], Path]:
    """The folder of a tiny pipeline of that kind, made once."""
    made = {"sd": tiny_model}

    def folder(kind: str) -> Path:
        if kind not in made:
            made[kind] = BASES[kind](tmp_path_factory.mktemp("base"))
        return made[kind]

    return folder
