"""Whether a LoRA fits a model is found without the model's weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.diffusion.training.fitting import require_fitting
from engine.errors import InvalidRequest, ModelUnavailable
from tests.tiny import adapters

Base = Callable[[str], Path]


def lora(folder: Path, model: Path, *parts: str) -> Path:
    """A LoRA for these components."""
    pipe: Any = diffusers.DiffusionPipeline.from_pretrained(model)
    return adapters.lora(folder / "zork.safetensors", pipe, *parts, seed=1)


def test_one_for_the_model_fits_and_others_do_not(base: Base, tmp_path: Path) -> None:
    file = lora(tmp_path, base("sd"), "unet", "text_encoder")
    require_fitting(base("sd"), "sd", "zork", file)
    with pytest.raises(InvalidRequest, match="It wasn't made for"):
        require_fitting(base("z-image"), "z-image", "zork", file)
    tensors = load_file(file)
    name = next(each for each in tensors if "unet" in each)
    save_file(tensors | {name: torch.full_like(tensors[name], float("nan"))}, file)
    with pytest.raises(InvalidRequest, match="some of its numbers aren't finite"):
        require_fitting(base("sd"), "sd", "zork", file)
    file.write_bytes(b"nothing")
    with pytest.raises(ModelUnavailable):
        require_fitting(base("sd"), "sd", "zork", file)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sdxl", "flux", "flux2-klein", "qwen-image"])
def test_every_family_is_checked(base: Base, tmp_path: Path, kind: str) -> None:
    denoiser = "unet" if kind == "sdxl" else "transformer"
    require_fitting(base(kind), kind, "zork", lora(tmp_path, base(kind), denoiser))
