"""What people put into a folder is learnt as they mean it, or a sentence says what isn't."""

import errno
import json
import os
import re
import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.training.dataset.errors import InvalidDataset
from engine.training.dataset.files import MAX_PICTURES
from engine.training.dataset.reading import Dataset, open_picture, read_dataset
from tests.engine.training.pictures import SIDE, Folder, picture

SIX = [f"{letter}.png" for letter in "abcdef"]


def captions(dataset: Dataset, folder: Folder) -> dict[str, str]:
    """The captions by the names of the pictures."""
    return {
        each.file.relative_to(folder.path).as_posix(): each.caption for each in dataset.pictures
    }


def read(folder: Folder, trigger: str = "zork") -> Dataset:
    return read_dataset(folder.path, trigger, side=SIDE)


class TestCaptions:
    def test_texts_beside_pictures(self, folder: Folder) -> None:
        folder.draw(*SIX)
        folder.write("a.txt", "a dog\n on a  beach \n")
        folder.write("b.txt", "\ufeffZork, sleeping")
        folder.write("c.caption", "a zorkian tram")
        folder.write("d.TXT", "睡觉的狗")
        folder.write("e.txt", " ")
        dataset = read(folder)
        assert captions(dataset, folder) == {
            "a.png": "zork, a dog on a beach",
            "b.png": "Zork, sleeping",
            "c.png": "zork, a zorkian tram",
            "d.png": "zork, 睡觉的狗",
            "e.png": "zork",
            "f.png": "zork",
        }
        assert dataset.warnings == (
            "These pictures have no caption and are learnt by the trigger word: e.png, f.png.",
        )

    def test_a_trigger_in_a_script_without_spaces(self, folder: Folder) -> None:
        folder.draw("a.png")
        folder.write("a.txt", "一只佐克在海边")
        assert captions(read(folder, "佐克"), folder) == {"a.png": "一只佐克在海边"}

    def test_folders_of_kohya(self, folder: Folder) -> None:
        folder.draw("10_zork figure/a.png", "10_zork figure/b.png", "3_figure/c.png", "2024/d.png")
        folder.write("10_zork figure/b.txt", "on a hill")
        dataset = read(folder)
        assert captions(dataset, folder) == {
            "10_zork figure/a.png": "zork figure",
            "10_zork figure/b.png": "zork, on a hill",
            "2024/d.png": "zork",
            "3_figure/c.png": "zork figure",
        }
        assert [each.repeats for each in dataset.pictures] == [10, 10, 1, 3]

    @pytest.mark.parametrize("kind", ["jsonl", "csv"])
    def test_tables_of_hugging_face(self, folder: Folder, kind: str) -> None:
        folder.draw("train/a.png", "train/b/c.png", "train/d.png")
        rows = [("a.png", 'a "dog",\u2028running'), ("b/c.png", "a cat"), ("../../x.png", "gone")]
        if kind == "jsonl":
            lines = [json.dumps({"file_name": f, "text": t}, ensure_ascii=False) for f, t in rows]
            lines[1:1] = [
                "{broken",
                '{"file_name": "d.png"}',
                "",
                '{"text": "\\ud800"}',
                "[" * 9999,
            ]
            broken = "2, 3, 5, 6"
        else:
            quoted = (f'"{text}"' for text in ('a ""dog"",\u2028running', "a cat", "gone"))
            lines = ["file_name,text"]
            lines += [f"{file},{text}" for (file, _), text in zip(rows, quoted, strict=True)]
            lines.insert(2, "d.png")
            broken = "3"
        folder.write(f"train/metadata.{kind}", "\n".join(lines))
        dataset = read(folder)
        assert captions(dataset, folder) == {
            "train/a.png": 'zork, a "dog", running',
            "train/b/c.png": "zork, a cat",
            "train/d.png": "zork",
        }
        assert dataset.warnings[:2] == (
            f"In train/metadata.{kind}, these lines have no “file_name” and “text”, and are left "
            f"out: {broken}.",
            "There's no picture for these captions: ../../x.png.",
        )

    @pytest.mark.parametrize(
        ("name", "text", "warning"),
        [
            ("a.txt", "caf\xe9".encode("latin-1"), "too long or not UTF-8 text.*: a.txt"),
            ("a.txt", "UTF-16 of Windows".encode("utf-16"), "not UTF-8 text.*: a.txt"),
            ("a.txt", b"x" * 30_000, "too long .*: a.txt"),
            ("metadata.csv", b"\xff", "not UTF-8 text.*: metadata.csv"),
            ("notes.txt", b"my notes", "no picture for these captions: notes.txt"),
            ("a\x07b.txt", b"bell", r"no picture for these captions: a\\x07b.txt"),
        ],
    )
    def test_captions_that_cannot_be_used_are_named(
        self, folder: Folder, name: str, text: bytes, warning: str
    ) -> None:
        folder.draw("a.png")
        folder.write(name, text)
        dataset = read(folder)
        assert captions(dataset, folder) == {"a.png": "zork"}
        assert re.search(warning, dataset.warnings[0])

    def test_which_of_several_captions_and_whose(self, folder: Folder) -> None:
        folder.draw("a.png", "a.jpg", "b.png")
        for name, text in [("a.txt", "one"), ("b.txt", "two"), ("b.caption", "three")]:
            folder.write(name, text)
        folder.write("metadata.csv", "file_name,text\nb.png,four\n")
        dataset = read(folder)
        assert captions(dataset, folder) == {
            "a.jpg": "zork, one",
            "a.png": "zork, one",
            "b.png": "zork, four",
        }
        assert dataset.warnings[:2] == (
            "These pictures have more than one caption; the first is used, of metadata.jsonl, "
            "metadata.csv, .txt and .caption: b.png.",
            "These pictures have the same name and so the same caption: a.jpg, a.png.",
        )

    def test_a_table_of_another_system(self, folder: Folder) -> None:
        """macOS takes letters and accents apart in names of files, Windows has other slashes."""
        folder.draw("train/cafe\u0301.png")
        folder.write("metadata.csv", "file_name,text,repeats\ntrain\\caf\xe9.png,a bar,4\n")
        (found,) = read(folder).pictures
        assert (found.caption, found.repeats) == ("zork, a bar", 4)


class TestPictures:
    def test_every_format_and_mode(self, folder: Folder) -> None:
        folder.draw("a.png", "b.JPG", "c.webp", "d.gif", "e.bmp", "f.tif", "g.tiff", ".h.png")
        folder.save("i.png", picture(20, mode="P"))
        folder.save("j.tif", picture(21, mode="I;16"))
        folder.save("k.jpg", picture(22, mode="CMYK"))
        dataset = read(folder)
        assert [each.file.stem for each in dataset.pictures] == [*"abcdefg", *"ijk"]
        assert dataset.warnings == ()
        for each in dataset.pictures:
            image = open_picture(each)
            assert (image.mode, image.size) == ("RGB", (SIDE, SIDE))

    @pytest.mark.parametrize("suffix", ["jpg", "tif", "png"])
    def test_a_photo_held_upright(self, folder: Folder, suffix: str) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        lying = Image.new("RGB", (200, 100), "white")
        lying.paste("red", (0, 0, 100, 100))
        folder.save(f"a.{suffix}", lying, exif=exif)
        (found,) = read(folder).pictures
        assert (found.width, found.height) == (100, 200)
        image = open_picture(found)
        assert image.size == (100, 200)
        top, bottom = image.getpixel((50, 20)), image.getpixel((50, 180))
        assert isinstance(top, tuple)
        assert isinstance(bottom, tuple)
        assert top[1] < 60
        assert bottom[1] > 200

    def test_what_is_transparent_is_white(self, folder: Folder) -> None:
        clear = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
        folder.save("a.png", clear)
        folder.save("b.gif", Image.new("P", (SIDE, SIDE), 0), transparency=0)
        for name in ("a.png", "b.gif"):
            alone = Folder(folder.path / name[0])
            alone.path.mkdir()
            (folder.path / name).rename(alone.path / name)
            (found,) = read(alone).pictures
            assert open_picture(found).getpixel((5, 5)) == (255, 255, 255)

    def test_damaged_and_small_ones_are_left_out_and_named(self, folder: Folder) -> None:
        folder.draw(*SIX)
        folder.draw("small.png", size=(63, 400))
        whole = BytesIO()
        picture(30).save(whole, "JPEG")
        folder.write("cut.jpg", whole.getvalue()[:-200])
        folder.write("page.png", "<html>")
        folder.write("bomb.tif", tiff_of_huge_tiles())
        folder.write("empty.webp", b"")
        folder.write("phone.heic", b"heic")
        dataset = read(folder)
        assert list(captions(dataset, folder)) == SIX
        assert dataset.warnings == (
            "Pictures of these formats can't be read: phone.heic. Save them as PNG or JPEG.",
            "These pictures are damaged or too large, and are left out: bomb.tif, cut.jpg, "
            "empty.webp, page.png.",
            "These pictures have a side below 64 pixels, and are left out: small.png.",
        )

    def test_pictures_that_are_small_for_the_training(self, folder: Folder) -> None:
        folder.draw(*SIX, size=(200, 200))
        folder.draw("g.png", size=(900, 600))
        dataset = read_dataset(folder.path, "zork", side=800)
        assert dataset.warnings == (
            "These pictures have less than half of the pixels of 800×800. They are trained in a "
            "smaller size: a.png, b.png, c.png, d.png, e.png, ….",
        )
        dataset = read_dataset(folder.path, "zork", side=1024)
        assert list(captions(dataset, folder)) == ["g.png"]

    def test_those_that_look_the_same_are_named(self, folder: Folder) -> None:
        folder.draw(*SIX)
        copy = picture(1).resize((2 * SIDE, 2 * SIDE))
        folder.save("again.jpg", copy, quality=60)
        red = picture(2)
        folder.save("recoloured.png", Image.merge("RGB", red.split()[::-1]))
        assert read(folder).warnings == (
            "These pictures look the same: a.png ≈ again.jpg. Keep one of each, or they count for "
            "more.",
        )

    @pytest.mark.parametrize(
        ("number", "warning"),
        [
            (1, "A single picture is copied rather than learnt. Use 6 or more."),
            (3, "3 pictures are few to learn from. Use 6 or more."),
        ],
    )
    def test_few(self, folder: Folder, number: int, warning: str) -> None:
        folder.draw(*SIX[:number])
        assert read(folder).warnings == (warning,)


def tiff_of_huge_tiles() -> bytes:
    """A TIFF of 70 × 70 pixels in a tile of 60,000 × 60,000."""
    tags = [(256, 70), (257, 70), (258, 8), (259, 8), (262, 1), (277, 1)]
    tags += [(322, 60_000), (323, 60_000), (324, 8), (325, 4)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IIH", 12, 0, len(tags)) + entries + bytes(4)


class TestRefused:
    @pytest.mark.parametrize(
        ("fill", "reason"),
        [
            (lambda folder: None, "There are no pictures in .*figures. Put PNG"),
            (lambda folder: folder.write("a.heic", b"x"), "There are no .* formats can't be read"),
            (
                lambda folder: folder.write("a.png", b"x"),
                "None of the pictures in .*figures can be used. .*damaged.*: a.png",
            ),
            (lambda folder: folder.draw("a.png", size=(40, 40)), "None .*below 64 pixels"),
            (
                lambda folder: [folder.save(name, picture(1)) for name in SIX],
                "All pictures look the same",
            ),
            (
                lambda folder: [folder.write(f"{n}.png", b"") for n in range(MAX_PICTURES + 1)],
                "holds more than 1000 pictures",
            ),
            (lambda folder: folder.path.rmdir(), "can't be read: No such file or directory"),
        ],
        ids=["empty", "phone", "damaged", "small", "same", "many", "gone"],
    )
    def test_folders_of_which_nothing_can_be_learnt(
        self, folder: Folder, fill: Callable[[Folder], object], reason: str
    ) -> None:
        fill(folder)
        with pytest.raises(InvalidDataset, match=reason):
            read(folder)

    def test_a_folder_of_everything_is_not_searched(
        self, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder.draw("a.png", "b/c.png", "b/d.png")
        read(folder)
        monkeypatch.setattr("engine.training.dataset.files.MAX_ENTRIES", 3)
        with pytest.raises(InvalidDataset, match="holds far more than pictures"):
            read(folder)

    def test_a_path_that_cannot_be_one(self, folder: Folder) -> None:
        for path in ("a\0b", "x" * 9999):
            with pytest.raises(InvalidDataset, match="can't be read"):
                read_dataset(folder.path / path, "zork", side=SIDE)


def test_links_that_lead_elsewhere_are_not_followed(folder: Folder, tmp_path: Path) -> None:
    folder.draw("a.png", "b.png")
    secret = tmp_path / "secret"
    secret.mkdir()
    picture(50).save(secret / "s.png")
    (secret / "s.txt").write_text("a secret")
    links = {"l.png": secret / "s.png", "a.txt": secret / "s.txt", "more": secret}
    links |= {"loop.png": folder.path / "loop.png", "inside.png": folder.path / "a.png"}
    links["b.caption"] = folder.path / "b.text"
    (folder.path / "b.text").write_text("inside")
    for name, target in links.items():
        os.symlink(target, folder.path / name)
    os.mkfifo(folder.path / "pipe.png")
    dataset = read(folder)
    assert captions(dataset, folder) == {
        "a.png": "zork",
        "b.png": "zork, inside",
        "inside.png": "zork",
    }
    assert dataset.warnings[0] == (
        "These links lead elsewhere and are left out: a.txt, l.png, more."
    )


def test_folders_that_are_closed_are_named(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.draw(*SIX, "closed/a.png")
    scandir = os.scandir

    def closed(path: str) -> Any:
        if Path(path).name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    assert read(folder).warnings == ("These folders can't be read: closed.",)


def test_a_picture_that_is_gone_when_it_is_opened(folder: Folder) -> None:
    folder.draw("a.png")
    (found,) = read(folder).pictures
    found.file.unlink()
    with pytest.raises(InvalidDataset, match=r"a\.png is gone"):
        open_picture(found)
