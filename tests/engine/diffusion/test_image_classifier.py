"""The classifier: a real ViT whose mind is made up beforehand."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from engine.devices.messages import Pixels
from engine.diffusion.image_classifier import ImageClassifier
from engine.errors import ModelUnavailable
from tests.tiny.classifier import classifier

pytestmark = pytest.mark.usefixtures("one_thread")

FIVE = ("drawings", "hentai", "neutral", "porn", "sexy")


def picture(mode: str = "RGB", colour: Any = "white", size: tuple[int, int] = (64, 48)) -> Pixels:
    return Pixels.of(Image.new(mode, size, colour).convert("RGB"))


def test_it_tells_bright_pictures_from_dark_ones_of_any_shape(tmp_path: Path) -> None:
    classify = ImageClassifier.load(classifier(tmp_path, "bright"), ("NSFW",), 0.5).classify
    for size in ((64, 48), (16, 16), (500, 8)):
        bright, dark = classify(picture(size=size)), classify(picture(colour="black", size=size))
        assert (bright.label, bright.flagged, dark.flagged) == ("nsfw", True, False)
        assert bright.score is not None
        assert dark.score is not None
        assert dark.score < 0.01 < 0.99 < bright.score


def test_the_threshold_decides(tmp_path: Path) -> None:
    folder = classifier(tmp_path, "all")  # its score is 0.9997
    assert ImageClassifier.load(folder, ("nsfw",), 0.999).classify(picture()).flagged
    assert not ImageClassifier.load(folder, ("nsfw",), 1.0).classify(picture()).flagged


def test_labels_that_exclude_one_another_add_up(tmp_path: Path) -> None:
    folder = classifier(tmp_path, "none", labels=FIVE, unsafe=0)  # the other four share evenly
    verdict = ImageClassifier.load(folder, ("porn", "hentai"), 0.5).classify(picture())
    assert verdict.score == pytest.approx(0.5, abs=0.001)
    assert verdict.label in ("porn", "hentai")


def test_of_labels_that_may_all_be_true_the_highest_counts(tmp_path: Path) -> None:
    many = "multi_label_classification"
    folder = classifier(tmp_path, "all", labels=FIVE, unsafe=3, problem_type=many)
    verdict = ImageClassifier.load(folder, ("porn", "hentai"), 0.5).classify(picture())
    assert verdict.label == "porn"
    assert verdict.score == pytest.approx(0.9997, abs=0.0001)
    assert ImageClassifier.load(folder, ("hentai",), 0.6).classify(picture()).score == 0.5


def test_a_misspelt_label_is_no_licence(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"no label nfsw\. Its labels are normal, nsfw\."):
        ImageClassifier.load(classifier(tmp_path, "all"), ("nfsw",), 0.5)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "preprocessor_config.json"])
def test_damaged_files_are_no_licence_either(tmp_path: Path, file: str) -> None:
    (classifier(tmp_path, "none") / file).write_bytes(b"{")
    with pytest.raises(ModelUnavailable, match="The classifier couldn't be loaded: "):
        ImageClassifier.load(tmp_path, ("nsfw",), 0.5)


def test_a_head_that_is_not_in_the_file_is_not_made_up(tmp_path: Path) -> None:
    file = classifier(tmp_path, "none") / "model.safetensors"
    body = {name: tensor for name, tensor in load_file(file).items() if "classifier" not in name}
    save_file(body, file, {"format": "pt"})
    with pytest.raises(ModelUnavailable, match=r"its weights are missing classifier\.bias"):
        ImageClassifier.load(tmp_path, ("nsfw",), 0.5)
