"""What a network does with one picture, step by step."""

from typing import Protocol

import numpy as np
import torch
from PIL import Image

from engine.devices.messages import Pixels
from engine.diffusion.networks.segmenter import Segmenter
from engine.diffusion.networks.tiles import TiledPicture
from engine.diffusion.networks.upscaler import Upscaler

SIDES = (1024, 768, 512, 384, 256, 192, 128, 96, 64)
"""Sides of tiles before they are enlarged, pixels, the largest first."""

USUAL_SIDE = 256
"""The largest tile where the device doesn't tell what one takes."""

CPU_SIDE = 128
"""The largest tile on a processor: Real-ESRGAN takes 2 to 40 s for one, and nothing is painted or
cancelled meanwhile."""


class Work(Protocol):
    """The work on one picture.

    Attributes:
        done: Steps done.
    """

    done: int

    @property
    def total(self) -> int:
        """Steps of all the work."""

    def step(self) -> None:
        """Do the next step."""

    def shrink(self) -> bool:
        """After memory ran out: begin again with steps that take less; whether there are any."""

    def picture(self) -> Pixels:
        """The result, once all is done."""


class Upscaling:
    """Enlarges a picture tile by tile; what is transparent stays so."""

    def __init__(self, upscaler: Upscaler, image: Image.Image, factor: int, side: int) -> None:
        """Prepare the work.

        Args:
            upscaler: On its device.
            image: RGB or RGBA.
            factor: How many times as wide and high it becomes.
            side: Of the tiles, one of `SIDES`.
        """
        self.side = side
        self._upscaler = upscaler
        self._alpha = image.getchannel("A") if image.mode == "RGBA" else None
        pixels = np.asarray(image.convert("RGB"), np.float32) / 255
        self._pixels = torch.from_numpy(pixels).permute(2, 0, 1)
        self._factor = factor
        self._begin()

    @property
    def total(self) -> int:
        """The number of tiles."""
        return len(self._tiles)

    def step(self) -> None:
        """Enlarge the next tile."""
        left, top, right, bottom = list(self._tiles)[self.done]
        tile = self._pixels[:, top:bottom, left:right]
        enlarged = self._upscaler.enlarge(tile, self._factor)
        self._tiles.add(self.done, enlarged.permute(1, 2, 0).numpy())
        self.done += 1

    def shrink(self) -> bool:
        """Begin again with smaller tiles."""
        smaller = [side for side in SIDES if side < min(self.side, max(self._pixels.shape[1:]))]
        if not smaller:
            return False
        self.side = smaller[0]
        self._begin()
        return True

    def picture(self) -> Pixels:
        """The enlarged picture."""
        height, width = (side * self._factor for side in self._pixels.shape[1:])
        data = self._tiles.finished()
        if self._alpha is None:
            return Pixels(width, height, data)
        image = Image.frombytes("RGB", (width, height), data)
        image.putalpha(self._alpha.resize(image.size, Image.Resampling.LANCZOS))
        return Pixels.of(image)

    def _begin(self) -> None:
        height, width = self._pixels.shape[1:]
        self._tiles = TiledPicture(width, height, self._factor, self.side)
        self.done = 0


class BackgroundRemoval:
    """Makes the background of a picture transparent, in one step."""

    total = 1

    def __init__(self, segmenter: Segmenter, image: Image.Image, device: torch.device) -> None:
        """Take the model, which is on `device`, and the picture."""
        self.done = 0
        self._segmenter = segmenter
        self._image = image
        self._on_device = device.type != "cpu"

    def step(self) -> None:
        """Find the subject."""
        cut = self._segmenter.cut_out(self._image)
        if self._image.mode == "RGBA":
            cut.putalpha(Image.fromarray(np.minimum(*map(_alpha_of, (cut, self._image)))))
        self._image = cut
        self.done = 1

    def shrink(self) -> bool:
        """Go on on the processor."""
        if not self._on_device:
            return False
        self._segmenter.move(torch.device("cpu"))
        self._on_device = False
        return True

    def picture(self) -> Pixels:
        """The picture without its background."""
        return Pixels.of(self._image)


def _alpha_of(image: Image.Image) -> np.ndarray:
    return np.asarray(image.getchannel("A"))
