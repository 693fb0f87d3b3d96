"""Previews: a linear map turns latents into a small picture, without the VAE."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Protocol, Self

import torch
from PIL import Image

MAX_SIDE = 256
"""Pixels: the longest side of a preview."""

FILE = "preview.json"
"""In a model's folder: the factors of its own map."""


class Previewer(Protocol):
    """Makes a small picture out of latents."""

    @property
    def channels(self) -> int:
        """The latent channels that it takes."""

    def image(self, latents: torch.Tensor) -> Image.Image:
        """RGB from latents of shape (channels, h, w)."""


@dataclass(frozen=True)
class LatentMap:
    """An affine map from a latent pixel to RGB.

    Attributes:
        factors: Shape (channels, 3).
        bias: Shape (3,); RGB lies in 0 to 1.
    """

    factors: torch.Tensor
    bias: torch.Tensor

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The map in a model's folder, if there is one."""
        file = folder / FILE
        if not file.is_file():
            return None
        values = json.loads(file.read_text())
        return cls(torch.tensor(values["factors"]), torch.tensor(values["bias"]))

    @property
    def channels(self) -> int:
        """The latent channels that the map takes."""
        return self.factors.shape[0]

    def image(self, latents: torch.Tensor) -> Image.Image:
        """RGB with one pixel for each latent, from latents of shape (channels, h, w)."""
        pixels = latents.float().cpu().permute(1, 2, 0) @ self.factors + self.bias
        levels = (pixels.clamp(0, 1) * 255).round().to(torch.uint8)
        return Image.fromarray(levels.numpy())


# Least-squares fit for the SD 1.x autoencoder, as published on the Hugging Face forum
# ("Decoding latents to RGB without upscaling", 2022) and used by the common web interfaces:
# -1 to 1 there, 0 to 1 here.
STABLE_DIFFUSION_1 = LatentMap(
    factors=torch.tensor(
        [
            [0.298, 0.207, 0.208],
            [0.187, 0.286, 0.173],
            [-0.158, 0.189, 0.264],
            [-0.184, -0.271, -0.473],
        ]
    )
    / 2,
    bias=torch.tensor([0.5, 0.5, 0.5]),
)

# Factors and bias of ComfyUI's `latent_formats.SDXL`: -1 to 1 there, 0 to 1 here.
STABLE_DIFFUSION_XL = LatentMap(
    factors=torch.tensor(
        [
            [0.3651, 0.4232, 0.4341],
            [-0.2533, -0.0042, 0.1068],
            [0.1076, 0.1111, -0.0362],
            [-0.3165, -0.2492, -0.2188],
        ]
    )
    / 2,
    bias=torch.tensor([0.1084, -0.0175, -0.0011]) / 2 + 0.5,
)


def encode_preview(images: Sequence[Image.Image]) -> bytes:
    """The pictures side by side as WebP, at most `MAX_SIDE` pixels wide or high."""
    width, height = images[0].size
    grid = Image.new("RGB", (width * len(images), height))
    for i, image in enumerate(images):
        grid.paste(image, (i * width, 0))
    factor = MAX_SIDE / max(grid.size)
    size = (max(1, int(grid.width * factor)), max(1, int(grid.height * factor)))
    buffer = BytesIO()
    grid.resize(size, Image.Resampling.BICUBIC).save(buffer, "WEBP", quality=70)
    return buffer.getvalue()
