"""Pictures in parts: put together, and refused if they aren't what was asked for."""

import zlib
from pathlib import Path

import pytest
from PIL import Image

from engine.cluster.protocol.parts import PART_BYTES
from engine.cluster.protocol.pictures import (
    SENT_BYTES,
    Assembly,
    WrongPicture,
    expected_size,
    file_of,
    packed,
    parts,
    usable_preview,
)
from engine.devices.messages import Pixels, ProcessPicture, RunJob
from engine.jobs.process import Process, ProcessKind
from engine.models.networks import Network
from tests.engine.builders import job, model
from tests.engine.cluster.painter import PREVIEW, picture


def assembled(data: bytes, size: tuple[int, int] = (64, 64)) -> Assembly:
    assembly = Assembly(1, size)
    for offset, part in parts(data):
        assembly.add(0, offset, part)
    return assembly


def test_pictures_are_put_together_whatever_comes_twice() -> None:
    pixels = picture(1, 900, 700)
    data = packed(pixels)
    assert len(data) > 2 * SENT_BYTES
    assembly = assembled(data, (900, 700))
    for offset, part in parts(data):
        assembly.add(0, offset, part)
    assert assembly.complete([file_of(data)])
    assert assembly.pixels([file_of(data)]) == (pixels,)


def test_transparency_survives() -> None:
    pixels = Pixels(64, 64, bytes(range(256)) * 64, "RGBA")
    data = packed(pixels)
    assert assembled(data).pixels([file_of(data)]) == (pixels,)


def test_a_preview_is_a_small_picture_or_nothing() -> None:
    assert usable_preview(PREVIEW) == PREVIEW
    for wrong in (None, b"", b"<script>", PREVIEW[:20], packed(picture(1, 32, 64))):
        assert usable_preview(wrong) is None


def test_what_is_not_the_picture_that_was_asked_for_is_refused() -> None:
    data = packed(picture(1, 32, 64))
    with pytest.raises(WrongPicture, match="another size"):
        assembled(data).pixels([file_of(data)])
    assert not assembled(data).complete([file_of(data + b"x")])
    with pytest.raises(WrongPicture, match="another number"):
        assembled(data).pixels([])
    with pytest.raises(WrongPicture, match="not a picture"):
        assembled(b"GIF89a").pixels([file_of(b"GIF89a")])
    broken = data[:-12] + b"\0\0\0\1gAMA\0" + zlib.crc32(b"gAMA\0").to_bytes(4, "big") + data[-12:]
    with pytest.raises(WrongPicture, match="not a picture"):
        Assembly(1, (32, 64))._read(broken, file_of(broken))
    with pytest.raises(WrongPicture, match="a part is missing"):
        Assembly(1, (64, 64)).add(0, 5, b"x")
    with pytest.raises(WrongPicture, match="too many pictures"):
        Assembly(1, (64, 64)).add(1, 0, b"x")


def test_no_worker_can_fill_the_memory() -> None:
    assembly = Assembly(1, (64, 64))
    with pytest.raises(WrongPicture, match="too many bytes"):
        assembly.add(0, 0, bytes(PART_BYTES))


def test_the_size_that_is_expected(tmp_path: Path) -> None:
    assert expected_size(RunJob(job(width=96), model())) == (96, 64)
    file = tmp_path / "a.png"
    Image.new("RGB", (40, 30)).save(file)
    for kind, size in ((ProcessKind.UPSCALE, (80, 60)), (ProcessKind.BACKGROUND, (40, 30))):
        work = Process(kind=kind, image="a.png")
        network = Network(kind=kind, name="n", source="s")
        command = ProcessPicture(job(process=work, enlarged=2), network, file)
        assert expected_size(command) == size
