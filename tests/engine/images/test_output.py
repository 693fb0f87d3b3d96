"""A picture carries the settings that made it, in words that other tools write and read."""

import random
import resource
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from engine.devices.messages import Pixels
from engine.errors import InvalidRequest, StorageError
from engine.images.metadata import parse_parameters, settings_text
from engine.images.output import (
    OutputFolder,
    parameters,
    read_pixels,
    read_request,
)
from engine.jobs.recipe import AdapterUse, Recipe
from engine.jobs.request import ImageRequest
from engine.models.schedulers import SCHEDULERS
from engine.prompts.grammar import with_adapters
from tests.engine.builders import job, recipe

GREY = Pixels(4, 2, bytes(range(24)))


def request_of(made: Recipe, seed: int) -> ImageRequest:
    """The request that asks for what `made` paints from `seed`, all but the picture it began with.

    Its LoRAs stand in the prompt, where every other tool looks for them too.
    """
    values = made.to_json() | {
        "prompt": with_adapters(made.prompt, made.adapters),
        "adapters": (),
        "seed": seed,
        "count": 1,
        "image": None,
        "strength": made.strength if made.image else None,
    }
    del values["process"]
    del values["quick"]  # nobody asks for it
    return ImageRequest(**values)


def picture_with(file: Path, text: str | None, key: str = "parameters") -> Path:
    info = PngImagePlugin.PngInfo()
    if text is not None:
        info.add_text(key, text)
    Image.new("RGB", (8, 8)).save(file, pnginfo=info)
    return file


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# --------------------------------------------------------------------------------------- round trip


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"negative_prompt": "blurred, ugly"},
        {"prompt": "ein Häuschen am Fluß, 水彩画の家, 🏠🌙"},
        {"prompt": "a sign: “Steps: 3, Sampler: none, Seed: 1”, next to a door"},
        {"prompt": "Steps: 3, Sampler: Euler, Seed: 5"},
        {"prompt": "a house, Negative prompt: fish", "negative_prompt": "Steps: 9"},
        {"model": "sd-1.5"},
        {"model": "dreamshaper_8.v2 (pruned)"},
        {"guidance_scale": 0.0},
        {"guidance_scale": 7.25, "seed": 2**32 - 1, "num_inference_steps": 150},
        {"width": 1024, "height": 32},
        {"image": "a.png", "strength": 0.55},
        {"adapters": (AdapterUse("pixel art", 0.8), AdapterUse("fox", -1.0))},
        *[{"scheduler": name} for name in SCHEDULERS],
    ],
    ids=lambda changes: next(iter(changes.values()), "plain"),
)
def test_what_is_written_into_a_picture_asks_for_the_same_picture(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    made = recipe(**changes)
    [file] = OutputFolder(tmp_path).save(job(**changes), (GREY,))
    assert read_request(file) == request_of(made, made.seed)


def test_each_picture_of_a_job_carries_its_own_seed(tmp_path: Path) -> None:
    files = OutputFolder(tmp_path).save(job(123456, count=3, seed=2**32 - 1), (GREY,) * 3)
    assert [read_request(file).seed for file in files] == [2**32 - 1, 0, 1]
    assert [str(file.relative_to(tmp_path)) for file in files] == [
        f"123/123456-{n}.png" for n in (1, 2, 3)
    ]
    with Image.open(files[0]) as image:
        assert image.size == (4, 2)
        assert image.tobytes() == GREY.data, "pixel for pixel"


def test_the_text_is_the_one_that_the_web_interface_writes() -> None:
    made = recipe(prompt="a house", negative_prompt="fish", scheduler="dpmpp_2m_karras")
    assert parameters(made, 7) == (
        "a house\n"
        "Negative prompt: fish\n"
        "Steps: 4, Sampler: DPM++ 2M Karras, CFG scale: 5, Seed: 7, Size: 64x64, "
        "Model: tiny, Version: Atelier"
    )
    assert ", Model: tiny, Speed: quick, Version" in parameters(recipe(quick=True), 7)


# -------------------------------------------------------------------------------- written by others


def test_a_picture_from_the_web_interface_can_be_painted_again(tmp_path: Path) -> None:
    file = picture_with(
        tmp_path / "other.png",
        "masterpiece, (a house:1.2),\nby the river <lora:ink:0.7>\n"
        "Negative prompt: fish, (text:1.3)\n"
        "second line\n"
        "Steps: 28, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 3141592653, Size: 512x768, "
        "Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, VAE hash: c6a580b13a, Clip skip: 2, "
        'Lora hashes: "ink: 0123456789ab, pen: ba9876543210, Model: trap", Version: v1.10.1',
    )
    assert read_request(file) == ImageRequest(
        prompt="masterpiece, (a house:1.2),\nby the river <lora:ink:0.7>",
        negative_prompt="fish, (text:1.3)\nsecond line",
        model="v1-5-pruned-emaonly",
        width=512,
        height=768,
        num_inference_steps=28,
        guidance_scale=7.5,
        seed=3141592653,
        scheduler="dpmpp_2m_karras",
    )


def test_newer_versions_name_the_schedule_apart_from_the_sampler() -> None:
    text = "a house\nSteps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 1"
    assert parse_parameters(text).scheduler == "dpmpp_2m_karras"
    assert parse_parameters(text.replace("Karras", "Automatic")).scheduler == "dpmpp_2m"


def test_a_value_in_quotes_may_hold_anything() -> None:
    text = 'a house\nSteps: 20, Model: "my, model: two", Seed: 5, Size: 64x32'
    made = parse_parameters(text)
    assert (made.model, made.seed, made.width, made.height) == ("my, model: two", 5, 64, 32)


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("a house", ImageRequest(prompt="a house")),
        ("a house\nNegative prompt: fish", ImageRequest(prompt="a house", negative_prompt="fish")),
        (
            "a house\nSteps: many, Sampler: Restart, CFG scale: high, Seed: -1, Size: big",
            ImageRequest(prompt="a house"),
        ),
        (
            "a house\nSteps: 20, Seed: 99999999999999999999, CFG scale: 1e9, Size: 512",
            ImageRequest(prompt="a house", num_inference_steps=20, width=512),
        ),
        ("", ImageRequest(prompt="")),
    ],
)
def test_what_is_missing_or_makes_no_sense_is_left_open(text: str, request_: ImageRequest) -> None:
    assert parse_parameters(text) == request_


def test_a_picture_without_settings_says_so(tmp_path: Path) -> None:
    for file in (
        picture_with(tmp_path / "none.png", None),
        picture_with(tmp_path / "other.png", "x", key="Software"),
    ):
        with pytest.raises(InvalidRequest, match="contains no settings"):
            read_request(file)


def bomb() -> bytes:
    """A PNG of a few bytes that says it has two billion pixels."""
    head = struct.pack(">IIBBBBB", 50_000, 40_000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for body in (b"IHDR" + head, b"IDAT"):
        data += struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, bomb()],
    ids=["empty", "text", "only a signature", "zeros", "bomb"],
)
def test_what_is_no_picture_says_so(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "upload.png"
    file.write_bytes(data)
    with pytest.raises(InvalidRequest, match=r"upload\.png can't be read as a picture"):
        read_request(file)


def test_a_file_cut_off_anywhere_gives_the_settings_or_a_sentence(tmp_path: Path) -> None:
    [file] = OutputFolder(tmp_path).save(job(), (GREY,))
    data = file.read_bytes()
    for length in range(len(data)):
        file.write_bytes(data[:length])
        with suppress(InvalidRequest):
            assert read_request(file) == request_of(recipe(), 7)


# ------------------------------------------------------------------------------------------ on disk


def test_a_picture_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """The disk is full in the middle of the second picture: neither of the two remains."""
    small, noise = Pixels(1, 1, b"123"), Pixels(64, 64, random.Random(0).randbytes(64 * 64 * 3))
    with no_file_larger_than(2000), pytest.raises(StorageError, match="couldn't be saved: File"):
        OutputFolder(tmp_path).save(job(count=2), (small, noise))
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []
    assert len(OutputFolder(tmp_path).save(job(count=2), (small, noise))) == 2


def test_a_folder_that_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("in the way")
    with pytest.raises(StorageError, match=r"saved: (Not a directory|File exists)"):
        OutputFolder(tmp_path / "pictures").save(job(), (GREY,))


def test_painting_again_after_a_crash_replaces_the_picture(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path)
    [first] = folder.save(job(), (GREY,))
    before = first.read_bytes()
    first.write_bytes(b"half a pict")
    assert folder.save(job(), (GREY,)) == [first]
    assert first.read_bytes() == before


def test_deleting_what_is_gone_is_no_error(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path)
    files = folder.save(job(count=2), (GREY, GREY))
    files[0].unlink()
    folder.delete(files)
    assert not any(file.exists() for file in files)


# ------------------------------------------------------------------------- settings in any file


def bytes_of(kind: str, **more: Any) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, kind, **more)
    return buffer.getvalue()


def exif_with(comment: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = comment
    return exif


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize(
    ("comment", "text"),
    [
        (b"UNICODE\0" + "a 🏠\nSteps: 3".encode("utf-16-be"), "a 🏠\nSteps: 3"),
        (b"ASCII\0\0\0a house\nSteps: 3\0", "a house\nSteps: 3"),
    ],
    ids=["unicode", "ascii"],
)
def test_settings_are_read_from_the_comment_of_other_files(
    kind: str, comment: bytes, text: str
) -> None:
    assert settings_text(bytes_of(kind, exif=exif_with(comment))) == text


def test_a_picture_without_settings_has_none(tmp_path: Path) -> None:
    assert settings_text(bytes_of("JPEG")) is None
    assert settings_text(bytes_of("GIF")) is None
    assert settings_text(picture_with(tmp_path / "a.png", "  ").read_bytes()) is None


@pytest.mark.parametrize("data", [b"", b"GIF89a", bytes_of("PNG")[:20]])
def test_what_holds_no_settings_at_all_says_so(data: bytes) -> None:
    with pytest.raises(InvalidRequest, match="can't be read as a picture"):
        settings_text(data)


def test_settings_longer_than_any_can_be_are_not_read(tmp_path: Path) -> None:
    huge = picture_with(tmp_path / "a.png", "A" * 100_001).read_bytes()
    with pytest.raises(InvalidRequest, match="have 100001 characters; the limit is 100000"):
        settings_text(huge)


# --------------------------------------------------------------------------------------- enlarging


def test_a_picture_is_saved_larger_and_says_so(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path)
    [small] = folder.save(job(seed=5), (GREY,))
    assert read_pixels(small) == GREY
    [large] = folder.save(job(seed=5, enlarged=4), (GREY,))
    with Image.open(large) as opened:
        assert opened.size == (16, 8)
        assert "Hires upscale: 4, Hires upscaler: Lanczos" in opened.info["parameters"]
    assert read_request(large).seed == 5


def test_what_is_gone_or_broken_cannot_be_enlarged(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    with pytest.raises(InvalidRequest, match="This picture's file is gone"):
        read_pixels(file)
    file.write_bytes(bytes_of("PNG")[:40])
    with pytest.raises(InvalidRequest, match="This picture's file is gone"):
        read_pixels(file)


def test_what_is_transparent_stays_so(tmp_path: Path) -> None:
    """As it is painted, saved, read back and enlarged."""
    painted = Pixels(4, 2, bytes(range(32)), "RGBA")
    [file] = OutputFolder(tmp_path).save(job(1), (painted,))
    assert read_pixels(file) == painted
    [larger] = OutputFolder(tmp_path).save(job(2, enlarged=2), (painted,))
    with Image.open(larger) as image:
        assert (image.mode, image.size) == ("RGBA", (8, 4))
