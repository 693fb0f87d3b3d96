"""Tiny weights for the architectures that the benchmarks measure."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tests.tiny import stable_diffusion
from tests.tiny.flux import flux
from tests.tiny.sdxl import sdxl
from tests.tiny.z_image import z_image

TINY: Mapping[str, Callable[[Path], Path]] = {
    "sd15": stable_diffusion,
    "sdxl": sdxl,
    "flux": partial(flux, schnell=True),
    "z-image": z_image,
}
"""Each saves a pipeline into a folder, and returns the folder."""
