"""Upscalers of the real kinds, tiny, as files in the layouts that people share."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

needs_spandrel = pytest.mark.skipif(
    importlib.util.find_spec("spandrel") is None, reason="the optional package isn't installed"
)


def upscaler(file: Path, *, scale: int = 2, kind: str = "Compact") -> Path:
    """Save a network with random weights.

    Args:
        file: Where to: .safetensors, or .pth with the weights under `params_ema`.
        scale: How many times as wide and high it makes a picture.
        kind: `Compact`, whose result looks like the picture, or `ESRGAN`.
    """
    from engine.diffusion.networks.upscaler import _spandrel

    _spandrel()
    torch.manual_seed(0)
    network: Any
    if kind == "Compact":
        from spandrel.architectures.Compact import Compact

        network = Compact(num_feat=8, num_conv=2, upscale=scale)
    else:
        from spandrel.architectures.ESRGAN import ESRGAN

        network = ESRGAN(num_filters=8, num_blocks=1, scale=scale)
    weights = {name: weight.contiguous() for name, weight in network.state_dict().items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".safetensors":
        save_file(weights, file)
    else:
        torch.save({"params_ema": weights}, file)
    return file
