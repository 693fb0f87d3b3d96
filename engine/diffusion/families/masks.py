"""Inpainting masks as Diffusers reads them."""

from typing import cast

import torch
from diffusers.image_processor import VaeImageProcessor
from PIL import Image

from engine.jobs.recipe import Recipe


def binary_mask(mask: Image.Image, recipe: Recipe) -> torch.Tensor:
    """The mask at the recipe's size: 1 where it is white, else 0, shape (1, 1, height, width)."""
    processor = VaeImageProcessor(do_normalize=False, do_binarize=True, do_convert_grayscale=True)
    pixels = processor.preprocess(mask, height=recipe.height, width=recipe.width)
    return cast(torch.Tensor, pixels)
