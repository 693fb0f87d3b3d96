"""Uploads: pictures made plain, and masks brought to the size of theirs."""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms, ImageDraw, ImageStat

from engine.errors import InvalidRequest
from engine.images.colours import on_white
from engine.images.uploads import UploadFolder
from tests.engine.images.metadata.builders import chunk

SIZE = (64, 32)
LEFT = (0, 0, 32, 32)


def data(image: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    """The picture as a file."""
    buffer = BytesIO()
    image.save(buffer, kind, **more)
    return buffer.getvalue()


def drawn(mode: str, ground: Any, marks: Any, size: tuple[int, int] = SIZE) -> Image.Image:
    """A mask whose left half is marked."""
    image = Image.new(mode, size, ground)
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 2 - 1, size[1]), fill=marks)
    return image


@pytest.fixture
def folder(tmp_path: Path) -> UploadFolder:
    return UploadFolder(tmp_path)


@pytest.fixture
def masked(folder: UploadFolder) -> Callable[[bytes], Image.Image]:
    """What is kept of a mask for a grey picture."""
    picture = folder.keep(data(Image.new("RGB", SIZE, "grey")))

    def keep(mask: bytes) -> Image.Image:
        with Image.open(folder.path(folder.keep_mask(mask, picture))) as kept:
            kept.load()
        return kept

    return keep


def turned(image: Image.Image) -> bytes:
    """The picture as a camera writes it that was held upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return data(image.rotate(90, expand=True), "JPEG", exif=exif, quality=100)


@pytest.mark.parametrize(
    "mask",
    [
        data(drawn("L", 0, 255)),
        data(drawn("1", 0, 1)),
        data(drawn("RGB", "black", "white")),
        data(drawn("RGBA", (0, 0, 0, 255), (255, 255, 255, 255))),
        data(drawn("RGBA", (0, 0, 0, 0), (255, 255, 255, 255))),
        data(drawn("RGBA", (200, 40, 30, 255), (200, 40, 30, 0))),
        data(drawn("RGBA", (0, 0, 0, 255), (255, 255, 255, 0))),
        data(drawn("L", 0, 255, (32, 16))),
        data(drawn("L", 0, 255, (256, 128))),
        data(drawn("L", 0, 255, (65, 32))),
        data(drawn("L", 9, 246), "JPEG", quality=60),
        data(
            drawn("RGB", "black", "white"),
            "GIF",
            save_all=True,
            append_images=[Image.new("RGB", SIZE)],
        ),
        turned(drawn("RGB", "black", "white")),
    ],
    ids=[
        "grey",
        "one bit",
        "colours",
        "opaque layer",
        "drawn on nothing",
        "hole in a picture",
        "hole in black",
        "half the size",
        "four times the size",
        "a pixel off",
        "not quite black and white",
        "animated",
        "turned by Exif",
    ],
)
def test_a_mask_marks_by_white_or_by_holes_at_the_size_of_its_picture(
    masked: Callable[[bytes], Image.Image], mask: bytes
) -> None:
    kept = masked(mask)
    assert (kept.mode, kept.size) == ("L", SIZE)
    assert ImageStat.Stat(kept.crop((8, 8, 24, 24))).extrema[0] == (255, 255)
    assert ImageStat.Stat(kept.crop((40, 8, 56, 24))).extrema[0] == (0, 0)


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (b"not a picture", "This file can't be read as a picture"),
        (data(drawn("L", 0, 255))[:60], "This file can't be read as a picture"),
        (data(Image.new("L", SIZE)), "The mask is empty"),
        (data(Image.new("L", (1, 1), 255)), "The mask is 1×1 pixels, but the picture is 64×32"),
        (data(Image.new("L", (2, 1), 255)), "The mask is 2×1 pixels, but the picture is 64×32"),
        (data(Image.new("L", (64, 64), 255)), "The mask is 64×64 pixels, but the picture is 64×32"),
        (data(Image.new("1", (20_000, 20_000))), "The picture"),
        (data(Image.new("1", (20_000, 10), 1)), "The mask is 2048×1 pixels"),
    ],
    ids=["no picture", "truncated", "black", "a pixel", "two", "another shape", "a bomb", "a line"],
)
def test_what_is_no_mask_of_the_picture_gets_a_sentence(
    masked: Callable[[bytes], Image.Image], mask: bytes, sentence: str
) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        masked(mask)


def test_a_mask_of_a_picture_that_is_gone_gets_a_sentence(folder: UploadFolder) -> None:
    with pytest.raises(InvalidRequest, match="no longer stored"):
        folder.keep_mask(data(Image.new("L", SIZE, 255)), f"{'0' * 32}.png")


def test_a_picture_is_kept_upright_with_what_is_transparent_in_it(folder: UploadFolder) -> None:
    layer = data(drawn("RGBA", (0, 0, 0, 0), (200, 0, 0, 255)))
    with Image.open(folder.path(folder.keep(layer))) as kept:
        assert (kept.mode, kept.size) == ("RGBA", SIZE)
        shown = on_white(kept)
        assert shown.getpixel((50, 16)) == (255, 255, 255)
        assert shown.getpixel((10, 16)) == (200, 0, 0)
    opaque = data(drawn("RGBA", (0, 0, 0, 255), (200, 0, 0, 255)))
    with Image.open(folder.path(folder.keep(opaque))) as kept:
        assert kept.mode == "RGB"
    assert folder.size(folder.keep(turned(drawn("RGB", "black", "white")))) == SIZE


def exif_of(*entries: tuple[int, int, int, bytes]) -> bytes:
    """Exif as no library writes it: tag, type, count and up to four bytes of each."""
    rows = [struct.pack("<HHI", *entry[:3]) + entry[3].ljust(4, b"\0") for entry in entries]
    body = struct.pack("<H", len(rows)) + b"".join(rows) + bytes(4)
    return b"Exif\0\0II*\0\x08\0\0\0" + body


@pytest.mark.parametrize(
    ("orientation", "other"),
    [
        ((0x0112, 3, 1, b"\6\0"), (0x0128, 2, 2, b"2\0")),
        ((0x0112, 3, 1, b"\6\0"), (0x011A, 2, 3, b"72\0")),
        ((0x0112, 3, 1, b"\6\0"), (0x0100, 2, 3, b"72\0")),
    ],
    ids=["unit as text", "resolution as text", "width as text"],
)
def test_tags_of_the_wrong_type_do_not_keep_a_picture_from_being_upright(
    folder: UploadFolder,
    orientation: tuple[int, int, int, bytes],
    other: tuple[int, int, int, bytes],
) -> None:
    exif = exif_of(*sorted([orientation, other]))
    sideways = data(Image.new("RGB", (32, 64)), "JPEG", exif=exif)
    assert folder.size(folder.keep(sideways)) == SIZE


@pytest.mark.parametrize("orientation", [(0x0112, 7, 2, b"\6\0"), (0x0112, 3, 1, b"\x63\0")])
def test_an_orientation_that_is_none_changes_nothing(
    folder: UploadFolder, orientation: tuple[int, int, int, bytes]
) -> None:
    picture = data(Image.new("RGB", SIZE), "JPEG", exif=exif_of(orientation))
    assert folder.size(folder.keep(picture)) == SIZE


def test_two_may_send_the_same_picture_at_once(
    folder: UploadFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = data(Image.new("RGB", SIZE, "red"))
    both_written = threading.Barrier(2, timeout=30)
    replace = Path.replace

    def together(self: Path, target: Path) -> Path:
        both_written.wait()
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", together)
    with ThreadPoolExecutor(2) as pool:
        names = list(pool.map(folder.keep, [same, same]))
    assert [file.name for file in folder.files()] == names[:1] == names[1:]


@pytest.mark.parametrize("left", [b"", b"\x89PNG"], ids=["nothing", "half"])
def test_what_a_power_failure_has_left_is_written_anew(folder: UploadFolder, left: bytes) -> None:
    picture = data(Image.new("RGB", SIZE, "red"))
    name = folder.keep(picture)
    folder.path(name).write_bytes(left)
    assert folder.keep(picture) == name
    assert folder.size(name) == SIZE


def test_an_empty_file_is_no_upload(folder: UploadFolder) -> None:
    name = folder.keep(data(Image.new("RGB", SIZE)))
    folder.path(name).write_bytes(b"")
    with pytest.raises(InvalidRequest, match="no longer stored"):
        folder.require(name)


def raw_png(depth: int, colour: int, row: bytes, width: int, *chunks: bytes) -> bytes:
    """A PNG of one row, as Pillow doesn't write it."""
    head = struct.pack(">IIBBBBB", width, 1, depth, colour, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" + row))
    head_chunk = chunk(b"IHDR", head)
    return b"\x89PNG\r\n\x1a\n" + head_chunk + b"".join(chunks) + pixels + chunk(b"IEND", b"")


def packed_text(size: int) -> bytes:
    """A text that is far larger than Pillow reads."""
    return chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b" " * size))


GREYS = struct.pack(">3H", 0, 32896, 65535)
WHITE, BLACK, RED = (255, 255, 255), (0, 0, 0), (200, 40, 40)
RED_ROW = bytes(RED) * 3


@pytest.mark.parametrize(
    ("picture", "pixels"),
    [
        (raw_png(16, 0, GREYS, 3), [BLACK, (128,) * 3, WHITE]),
        (raw_png(16, 0, GREYS, 3, chunk(b"tRNS", b"\0\0")), [WHITE, (128,) * 3, WHITE]),
        (raw_png(4, 0, b"\x5a\x00", 3, chunk(b"tRNS", b"\0\5")), [WHITE, (170,) * 3, BLACK]),
        (
            raw_png(
                *(16, 2, struct.pack(">9H", 40000, 1, 1, 0, 0, 0, 65535, 0, 0), 3),
                chunk(b"tRNS", struct.pack(">3H", 40000, 1, 1)),
            ),
            [WHITE, BLACK, (255, 0, 0)],
        ),
        (raw_png(8, 2, RED_ROW, 3, packed_text(2_000_000)), [RED] * 3),
        (
            raw_png(8, 2, RED_ROW, 3, chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(2_000_000)))),
            [RED] * 3,
        ),
        (raw_png(8, 2, RED_ROW, 3, chunk(b"pHYs", bytes(9))[:-1] + b"?"), [RED] * 3),
        (raw_png(8, 2, RED_ROW, 3) + b"PK and more", [RED] * 3),
    ],
    ids=[
        *("grey 16", "grey 16 with a clear shade", "grey 4 with one", "colours 16 with one"),
        *("a large text", "a large profile", "a wrong checksum", "bytes behind"),
    ],
)
def test_odd_pngs_have_the_right_pixels(
    folder: UploadFolder, picture: bytes, pixels: list[tuple[int, int, int]]
) -> None:
    with Image.open(folder.path(folder.keep(picture))) as kept:
        assert [on_white(kept).getpixel((x, 0)) for x in range(3)] == pixels


def swapped_profile() -> bytes:
    """The profile of sRGB with red and green exchanged, under another name."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", profile, 128)
    at = {bytes(profile[i : i + 4]): i for i in range(132, 132 + 12 * count, 12)}
    red, green = at[b"rXYZ"], at[b"gXYZ"]
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "Swap".encode("utf-16-be"))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_are_those_of_the_profile(folder: UploadFolder, kind: str, mode: str) -> None:
    if (kind, mode) == ("JPEG", "RGBA"):
        return
    image = Image.new("RGB", (16, 16), (255, 0, 0)).convert(mode)
    picture = data(image, kind, icc_profile=swapped_profile())
    with Image.open(folder.path(folder.keep(picture))) as kept:
        red, green, _ = kept.getpixel((8, 8))  # type: ignore[misc]
        assert red < 10
        assert green > 245
        assert "icc_profile" not in kept.info


def test_what_is_cut_off_or_damaged_is_called_so(folder: UploadFolder) -> None:
    noise = Image.effect_noise((128, 128), 90)
    for picture in (data(noise, "JPEG", progressive=True), data(noise), data(noise, "WEBP")):
        with pytest.raises(InvalidRequest, match="its end is missing"):
            folder.keep(picture[: len(picture) * 3 // 4])
    with pytest.raises(InvalidRequest, match="it's damaged"):
        folder.keep(b"GIF89a" + bytes(40))
