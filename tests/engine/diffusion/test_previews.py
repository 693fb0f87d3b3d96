"""Previews: small, quick, and good enough to see where it goes."""

import io
import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from engine.diffusion.families import family_of
from engine.diffusion.previews import STABLE_DIFFUSION_1, LatentMap, encode_preview
from tests.engine.diffusion.families.parity import parts


def size_of(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "WEBP"
        return image.size


def test_a_latent_pixel_becomes_a_pixel() -> None:
    red = LatentMap(torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), torch.zeros(3))
    latents = torch.zeros(2, 3, 5)
    latents[0, 0, 0] = 1.0
    latents[1, 2, 4] = 9.0
    image = red.image(latents)
    assert image.size == (5, 3)
    assert image.getpixel((0, 0)) == (255, 0, 0)
    assert image.getpixel((4, 2)) == (0, 0, 255), "what is out of range is clipped"
    assert image.getpixel((1, 1)) == (0, 0, 0)


def test_half_precision_and_not_a_number_give_a_picture_too() -> None:
    latents = torch.full((4, 8, 8), float("nan"), dtype=torch.float16)
    assert STABLE_DIFFUSION_1.image(latents).size == (8, 8)


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [
        (1, (8, 8), (256, 256)),
        (1, (16, 8), (256, 128)),
        (1, (1024, 512), (256, 128)),
        (4, (64, 64), (256, 64)),
        (2, (8, 128), (32, 256)),
        (1, (1, 2000), (1, 256)),
    ],
)
def test_no_side_is_longer_than_256_pixels(
    count: int, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert size_of(encode_preview([Image.new("RGB", size)] * count)) == expected


def test_a_model_may_bring_its_own_map(tmp_path: Path, pipes: dict[str, object]) -> None:
    assert LatentMap.read(tmp_path) is None
    values = {"factors": [[1, 0, 0]] * 4, "bias": [0.5, 0.5, 0.5]}
    (tmp_path / "preview.json").write_text(json.dumps(values))
    own = LatentMap.read(tmp_path)
    assert own is not None
    assert own.channels == 4
    family = family_of(pipes["epsilon"], parts(pipes["epsilon"]), tmp_path)
    assert torch.equal(family._previewer.factors, own.factors)  # type: ignore[attr-defined]
    family = family_of(pipes["epsilon"], parts(pipes["epsilon"]), None)
    assert family._previewer is STABLE_DIFFUSION_1  # type: ignore[attr-defined]
