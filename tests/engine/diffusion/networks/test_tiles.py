"""Tiles: they cover the picture, and their weights sum up to one everywhere."""

import numpy as np
import pytest

from engine.diffusion.networks.tiles import TiledPicture


@pytest.mark.parametrize("side", [64, 96, 256])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (64, 65), (97, 31), (300, 129), (161, 512)])
def test_tiles_put_together_are_the_picture(width: int, height: int, side: int) -> None:
    factor = 2
    generator = np.random.default_rng(0)
    picture = generator.integers(0, 256, (height * factor, width * factor, 3), np.uint8)
    tiled = TiledPicture(width, height, factor, side)
    for number, (left, top, right, bottom) in enumerate(tiled):
        assert max(right - left, bottom - top) <= side
        part = picture[top * factor : bottom * factor, left * factor : right * factor]
        tiled.add(number, part.astype(np.float32) / 255)
    assert tiled.finished() == picture.tobytes()


def test_white_stays_white() -> None:
    tiled = TiledPicture(200, 200, 1, 64)
    for number, (left, top, right, bottom) in enumerate(tiled):
        tiled.add(number, np.ones((bottom - top, right - left, 3), np.float32))
    assert set(tiled.finished()) == {255}
