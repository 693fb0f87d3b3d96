"""Backgrounds: a real SegFormer that takes half of a picture for its subject."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.diffusion.networks.segmenter import Segmenter
from engine.diffusion.networks.work import BackgroundRemoval
from engine.errors import InvalidRequest, ModelUnavailable
from tests.engine.diffusion.harness import noisy
from tests.tiny.segmenter import segmenter

CPU = torch.device("cpu")


def cut(folder: Path, image: Image.Image) -> Image.Image:
    work = BackgroundRemoval(Segmenter.load(folder, ("Background",)), image, CPU)
    work.step()
    picture = work.picture()
    assert (picture.mode, work.done) == ("RGBA", work.total)
    return picture.image()


@pytest.mark.parametrize("labels", [("background", "cat", "dog"), ("subject",)])
def test_the_background_becomes_transparent_and_colours_stay(
    tmp_path: Path, labels: tuple[str, ...]
) -> None:
    image = noisy(150, 90)
    made = cut(segmenter(tmp_path, image, labels=labels), image)
    assert made.convert("RGB").tobytes() == image.tobytes()
    alpha = np.asarray(made.getchannel("A"))
    assert 0.3 < (alpha > 127).mean() < 0.7
    assert (alpha == 0).any()
    assert (alpha == 255).any()


def test_what_was_transparent_stays_so(tmp_path: Path) -> None:
    image = noisy(64, 64)
    folder = segmenter(tmp_path, image)
    opaque = np.asarray(cut(folder, image).getchannel("A"))
    half = Image.new("L", image.size)
    half.paste(255, (0, 0, 32, 64))
    image.putalpha(half)
    alpha = np.asarray(cut(folder, image).getchannel("A"))
    assert not alpha[:, 32:].any()
    assert (alpha[:, :32] == opaque[:, :32]).all()


def test_a_picture_that_is_all_background_is_said_to_be(tmp_path: Path) -> None:
    image = noisy(64, 64)
    with pytest.raises(InvalidRequest, match="all is background"):
        cut(segmenter(tmp_path, image, sees=False, labels=("background", "cat")), image)


def test_labels_and_weights_that_it_lacks_are_named(tmp_path: Path) -> None:
    folder = segmenter(tmp_path, noisy(64, 64))
    with pytest.raises(ModelUnavailable, match=r"no label sky\. Its labels are background, cat"):
        Segmenter.load(folder, ("sky",))
    (folder / "config.json").write_text("{}")
    with pytest.raises(ModelUnavailable, match="segmentation model couldn't be loaded"):
        Segmenter.load(folder, ("background",))
