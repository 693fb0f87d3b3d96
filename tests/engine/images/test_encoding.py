"""Every picture tells in the IPTC's words that a model painted it, in whatever format."""

import random
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from cogs.messages.encodings import encodings
from engine import ImageRequest, Parent, StorageSettings, Studio, open_studio
from engine.devices.messages import Pixels
from engine.images.encoding import Format, PictureMarks, encoded, marks_in, recoded
from engine.images.metadata import settings_text
from engine.images.metadata.xmp import SourceType, source_type_in, xmp_packet
from engine.images.output import OutputFolder, read_request
from engine.images.uploads import UploadFolder
from engine.settings import Metadata
from tests.engine.builders import engine_settings, job, model_settings
from tests.engine.images.test_init_images import painted

GREY = Pixels(4, 2, bytes(range(24)))
pytestmark = pytest.mark.usefixtures("one_thread")

NOISE = Pixels(256, 256, random.Random(0).randbytes(256 * 256 * 3))
TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def png(colour: str, marks: PictureMarks | None = None) -> bytes:
    return encoded(Image.new("RGB", (64, 64), colour), "PNG", marks or PictureMarks())


def jpeg(origin: SourceType) -> bytes:
    """One of our pictures as another program has saved it."""
    buffer = BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "JPEG", xmp=xmp_packet(origin))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_each_format_carries_the_mark_and_the_settings(tmp_path: Path, kind: Format) -> None:
    [file] = OutputFolder(tmp_path).save(job(prompt="a house 水"), (GREY,))
    data = file.read_bytes() if kind == "PNG" else recoded(file, kind, 90)
    assert source_type_in(data) is SourceType.TRAINED
    assert (settings_text(data) or "").startswith("a house 水\nSteps: 4")
    with Image.open(BytesIO(data)) as image:
        root = ET.fromstring(image.info["xmp"])
    [described] = root.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    property_ = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
    assert described.get(property_) == TRAINED


def test_a_picture_too_large_for_discord_keeps_its_mark(tmp_path: Path) -> None:
    [file] = OutputFolder(tmp_path).save(job(), (NOISE,))
    sent = [upload for [upload] in encodings([file], file.stat().st_size - 1)]
    assert [upload.name for upload in sent] == ["000001-1.webp"] * len(sent)
    assert sent
    assert {source_type_in(upload.data) for upload in sent} == {SourceType.TRAINED}


@pytest.mark.parametrize(
    ("metadata", "origin", "settings"),
    [("full", SourceType.TRAINED, True), ("minimal", SourceType.TRAINED, False), ("none", None, 0)],
)
def test_the_settings_say_how_much_is_written(
    tmp_path: Path, metadata: Metadata, origin: SourceType | None, settings: bool
) -> None:
    [file] = OutputFolder(tmp_path, None, metadata).save(job(), (GREY,))
    for data in (file.read_bytes(), recoded(file, "WEBP", 80)):
        assert source_type_in(data) is origin
        assert bool(settings_text(data)) == settings
    if metadata == "none":
        with Image.open(file) as image:
            assert image.info == {}


@pytest.mark.parametrize(
    ("data", "origin"),
    [
        (png("red"), SourceType.COMPOSITE),
        (png("red", PictureMarks(source_type=SourceType.TRAINED)), SourceType.TRAINED),
        (png("red", PictureMarks(source_type=SourceType.COMPOSITE)), SourceType.COMPOSITE),
        (jpeg(SourceType.TRAINED), SourceType.TRAINED),
    ],
    ids=["a photo", "painted", "edited before", "painted, as JPEG"],
)
def test_what_begins_with_a_photo_is_a_composite(
    tmp_path: Path, data: bytes, origin: SourceType
) -> None:
    uploads = UploadFolder(tmp_path / "uploads")
    name = uploads.keep(data)
    assert uploads.keep(data) == name
    [file] = OutputFolder(tmp_path, uploads).save(job(image=name, strength=0.5), (GREY,))
    assert marks_in(file).source_type is origin
    uploads.path(name).unlink()
    [larger] = OutputFolder(tmp_path, uploads).save(
        job(2, image=name, strength=0.5, enlarged=2), (GREY,), file
    )
    assert marks_in(larger).source_type is origin, "as what it enlarges, whatever is left of that"


# ------------------------------------------------------------------------------------ generations


@pytest.fixture(params=["full", "none"])
async def studio(
    request: pytest.FixtureRequest, tmp_path: Path, tiny_model: Path
) -> AsyncIterator[Studio]:
    tiny = {"tiny": model_settings(tiny_model, num_inference_steps=2)}
    storage = StorageSettings(metadata=request.param)
    data = tmp_path / "data"
    async with open_studio(engine_settings(), tiny, data, storage=storage) as studio:
        yield studio


async def test_a_picture_made_of_pictures_inherits_their_origin(
    studio: Studio, request: pytest.FixtureRequest
) -> None:
    """A photo stays in what is made of it; what is painted throughout stays that."""
    silent = request.node.callspec.params["studio"] == "none"
    photo = await studio.init_images.keep(png("red"))
    for started, origin in ((None, SourceType.TRAINED), (photo, SourceType.COMPOSITE)):
        first = ImageRequest(prompt="a house", image=started, strength=0.9 if started else None)
        done = await painted(studio, first)
        again = await studio.init_images.keep_finished(Parent(done.id, 0))
        second = ImageRequest(prompt="a house", image=again, strength=0.9)
        child = await painted(studio, second)
        for made in (done, child):
            marks = marks_in(made.pictures[0])
            assert marks.source_type is (None if silent else origin)
            assert (marks.parameters is None) == silent
        if not silent:
            assert read_request(child.pictures[0]).prompt == "a house"
