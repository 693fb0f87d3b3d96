"""What the parity tests share: paint with a family, compare with what Diffusers paints."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image as Pillow

from engine.diffusion.families.base import Family, InitImage, Sample
from engine.diffusion.offload import OffloadedComponents
from engine.jobs.recipe import Recipe

Image = npt.NDArray[np.int16]

LONG = "a red house under a yellow moon, and a blue fish that swims in the sky above its roof"
"""A prompt of several tens of tokens."""

ONE_LEVEL = 1
"""The most that rounding may change of an 8-bit level: in a batch, or in a faster way to add up."""


def parts(pipe: Any) -> OffloadedComponents:
    """The components of `pipe`, all on the CPU."""
    return OffloadedComponents(pipe, torch.device("cpu"))


def picture(family: Family, sample: Sample) -> Image:
    """The finished sample in 8-bit levels, shape (height, width, 3)."""
    return np.asarray(family.finish(sample)).astype(np.int16)


@torch.inference_mode()
def paint(
    family: Family,
    *recipes: Recipe,
    after: Sequence[int] = (),
    init_image: InitImage | None = None,
    references: Sequence[Pillow.Image] = (),
    control: Pillow.Image | None = None,
) -> list[Image]:
    """Paint the recipes side by side; the i-th one comes in after `after[i]` steps."""
    coming = dict(enumerate(recipes))
    arrival = dict(zip_longest(coming, after[: len(recipes)], fillvalue=0))
    samples: dict[int, list[Sample]] = {}
    now = 0
    while coming or any(not sample.done for group in samples.values() for sample in group):
        for i in [i for i in coming if arrival[i] <= now]:
            samples[i] = list(family.begin(coming.pop(i), init_image, references, control))
        batch = [sample for group in samples.values() for sample in group if not sample.done]
        if batch:
            family.step(batch, lambda: None)
        now += 1
    return [picture(family, sample) for i in sorted(samples) for sample in samples[i]]


def difference(one: Image, other: Image) -> int:
    """The largest difference of a level."""
    return int(np.abs(one - other).max())
