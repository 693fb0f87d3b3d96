"""Edges and lines are white where a picture has them, and black elsewhere."""

import numpy as np
from PIL import Image, ImageDraw

from engine.diffusion.maps import edges, lines


def drawing() -> Image.Image:
    """A dark square on a bright ground, and a thin dark line."""
    image = Image.new("RGB", (128, 96), (220, 210, 200))
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 20, 60, 60), (30, 40, 60))
    draw.line((90, 10, 90, 80), (20, 20, 20), 2)
    return image


def test_edges_are_thin_lines_around_what_differs() -> None:
    found = edges(drawing())
    assert (found.mode, found.size) == ("RGB", (128, 96))
    levels = np.asarray(found)[..., 0]
    assert set(np.unique(levels)) == {0, 255}
    assert levels[40, 18:23].max() == 255
    assert levels[40, 30:50].max() == 0
    assert np.asarray(edges(Image.new("RGB", (32, 32), "red"))).max() == 0


def test_lines_are_what_is_darker_than_its_surroundings() -> None:
    levels = np.asarray(lines(drawing()))[..., 0]
    assert levels[40, 90] > 100
    assert levels[40, 75] == 0
    assert np.asarray(lines(Image.new("RGB", (32, 32), "red"))).max() == 0
