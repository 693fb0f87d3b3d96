"""Batches have pictures of one size, and no picture is blown up."""

import pytest
from PIL import Image

from engine.training.dataset.buckets import RATIOS, Bucket, bucket_of, fitted

SHAPES = [(1000 + 37 * step, 3000 - 41 * step) for step in range(60)] + [(9000, 900), (700, 5000)]


@pytest.mark.parametrize(
    ("size", "bucket"),
    [
        ((4000, 4000), (1024, 1024)),
        ((4000, 3000), (1144, 912)),
        ((3000, 4000), (912, 1144)),
        ((1920, 1080), (1360, 768)),
        ((9000, 900), (1616, 648)),
        ((900, 900), (768, 768)),
        ((300, 300), (256, 256)),
    ],
)
def test_the_shape_is_the_nearest(size: tuple[int, int], bucket: tuple[int, int]) -> None:
    assert bucket_of(*size, side=1024, multiple_of=8) == bucket


@pytest.mark.parametrize(("side", "multiple_of"), [(64, 8), (512, 64), (1024, 16), (1000, 24)])
def test_buckets_are_few_and_within_bounds(side: int, multiple_of: int) -> None:
    found = {bucket_of(*shape, side=side, multiple_of=multiple_of) for shape in SHAPES}
    assert 3 < len(found) <= 2 * len(RATIOS)
    for width, height in found:
        assert width * height <= side**2
        assert max(width, height) <= 2.5 * min(width, height)
        assert width % multiple_of == height % multiple_of == 0


@pytest.mark.parametrize("multiple_of", [8, 16, 64])
def test_no_picture_that_is_trained_on_is_blown_up(multiple_of: int) -> None:
    for width in range(256, 1500, 31):
        for height in range(256, 1500, 37):
            bucket = bucket_of(width, height, side=1024, multiple_of=multiple_of)
            assert bucket.width <= width
            assert bucket.height <= height


def test_below_the_floor_the_bucket_stays() -> None:
    assert bucket_of(5, 5, side=64, multiple_of=16) == (16, 16)
    with pytest.raises(ValueError, match="no multiple"):
        bucket_of(500, 500, side=8, multiple_of=16)


def test_the_middle_of_the_picture_is_kept() -> None:
    image = Image.new("RGB", (400, 100), "red")
    image.paste("blue", (100, 0, 300, 100))
    made = fitted(image, Bucket(100, 50))
    assert made.size == (100, 50)
    assert made.crop((3, 0, 97, 50)).getcolors() == [(4700, (0, 0, 255))]
