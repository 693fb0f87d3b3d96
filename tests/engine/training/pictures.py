"""Folders of pictures that all look different."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

SIDE = 96
"""The resolution of the tests' trainings."""


Draw = Callable[..., Image.Image]


def picture(seed: int, size: tuple[int, int] = (SIDE, SIDE), mode: str = "RGB") -> Image.Image:
    """A drawing that looks like no other."""
    chance = random.Random(seed)
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for _ in range(5):
        left, top = chance.randrange(size[0] // 2), chance.randrange(size[1] // 2)
        box = (left, top, left + size[0] // 3, top + size[1] // 3)
        draw.rectangle(box, fill=tuple(chance.randrange(256) for _ in range(3)))
    return image.convert(mode)


class Folder:
    """A folder that is filled with pictures and captions."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._drawn = 0

    def draw(self, *names: str, size: tuple[int, int] = (SIDE, SIDE), **options: Any) -> None:
        """Pictures of these names, each another one."""
        for name in names:
            self._drawn += 1
            self.save(name, picture(self._drawn, size), **options)

    def save(self, name: str, image: Image.Image, **options: Any) -> None:
        """This picture under this name."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        image.save(file, **options)

    def write(self, name: str, text: str | bytes) -> None:
        """A text under this name."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
