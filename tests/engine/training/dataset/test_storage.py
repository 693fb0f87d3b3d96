"""A training goes on from its copy of the pictures when their source is gone."""

import errno
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from engine.errors import InvalidRequest, StorageError
from engine.models.catalogue import Catalogue
from engine.training.beginning import begin
from engine.training.dataset.reading import open_picture, read_dataset
from engine.training.dataset.storage import copy_dataset
from engine.training.defaults import default_request
from engine.training.request import Kind
from engine.training.run_folder import RunFolder
from tests.engine.training.pictures import SIDE, Folder, picture


@pytest.fixture
def run(folder: Folder, tmp_path: Path) -> Path:
    """The folder of a run; `folder` has pictures of each kind."""
    folder.draw("5_zork/a.jpg", "5_zork/b.webp", "c.png", "d.gif")
    folder.write("c.txt", "a zork, “drawn”\n睡觉")
    exif = Image.Exif()
    exif[0x0112] = 6
    folder.save("e.jpg", picture(40, (120, 80)), exif=exif)
    folder.save("f.jpg", picture(41, mode="CMYK"))
    return tmp_path / "runs" / "1" / "dataset"


def test_the_copy_is_the_same_dataset(folder: Folder, run: Path) -> None:
    source = read_dataset(folder.path, "zork", side=SIDE)
    pixels = [open_picture(each).tobytes() for each in source.pictures]
    jpeg = (folder.path / "5_zork" / "a.jpg").read_bytes()
    copy = copy_dataset(source, run)
    shutil.rmtree(folder.path)
    assert read_dataset(run, "zork", side=SIDE).pictures == copy.pictures
    assert [open_picture(each).tobytes() for each in copy.pictures] == pixels
    for before, after in zip(source.pictures, copy.pictures, strict=True):
        assert (before.caption, before.width, before.height, before.repeats) == (
            *(after.caption, after.width, after.height, after.repeats),
        )
    assert [each.file.suffix for each in copy.pictures] == [
        *(".jpg", ".webp", ".png", ".png", ".png", ".png"),
    ]
    assert copy.pictures[0].file.read_bytes() == jpeg


def test_a_training_does_not_go_on_with_other_pictures_than_it_was_begun_with(
    folder: Folder, run: Path
) -> None:
    request = default_request(Catalogue({}, "sketch")["sketch"], "zork", Kind.SUBJECT, "zork")
    training = RunFolder(run)
    begin(training, request, read_dataset(folder.path, "zork", side=SIDE))
    begin(training, request, read_dataset(folder.path, "zork", side=SIDE))
    folder.write("d.txt", "a zork with a hat")
    with pytest.raises(InvalidRequest, match="pictures or captions of “zork” have changed"):
        begin(training, request, read_dataset(folder.path, "zork", side=SIDE))
    (folder.path / "d.txt").unlink()
    folder.draw("g.png")
    with pytest.raises(InvalidRequest, match="pictures or captions of “zork” have changed"):
        begin(training, request, read_dataset(folder.path, "zork", side=SIDE))


def test_a_full_disk_leaves_nothing_half(
    folder: Folder, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = read_dataset(folder.path, "zork", side=SIDE)
    written = 0

    def fill(handle: int) -> None:
        nonlocal written
        written += 1
        if written == 4:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fill)
    with pytest.raises(StorageError, match=r"couldn't be copied .*: No space left on device"):
        copy_dataset(source, run)
    assert not list(run.parent.iterdir())
    partial = run.with_name("dataset.partial")
    partial.mkdir()
    (partial / "0009.png").touch()  # as `kill -9` leaves it
    assert len(copy_dataset(source, run).pictures) == 6
    assert [each.name for each in run.parent.iterdir()] == ["dataset"]
    assert len(list(run.iterdir())) == 7


def test_another_dataset_is_not_replaced(folder: Folder, run: Path) -> None:
    source = read_dataset(folder.path, "zork", side=SIDE)
    run.mkdir(parents=True)
    (run / "0001.png").touch()
    with pytest.raises(StorageError, match="couldn't be copied"):
        copy_dataset(source, run)
    assert [each.name for each in run.iterdir()] == ["0001.png"]
