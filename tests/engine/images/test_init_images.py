"""Going on from pictures: what a mask keeps is there again, to the pixel."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from engine import (
    ImageRequest,
    InvalidRequest,
    Job,
    Model,
    Parent,
    Requester,
    Studio,
    UnknownJob,
    open_studio,
)
from engine.images.canvas import Direction
from engine.images.init_images import StoredInitImage
from tests.engine.builders import engine_settings, model_settings

pytestmark = pytest.mark.usefixtures("one_thread")

OURS = Parent(1, 0)

Lay = Callable[[Studio, Model], Awaitable[StoredInitImage]]

HALF = Image.new("L", (32, 32))
HALF.paste(255, (16, 0, 32, 32))

WAYS: dict[str, Lay] = {
    "filling": lambda studio, model: studio.init_images.inpaint_parts(OURS, {1, 2, 4}, model),
    "masked": lambda studio, model: studio.init_images.inpaint_mask(OURS, png(HALF), model),
    "zoomed out": lambda studio, model: studio.init_images.zoom_out(OURS, 2, model),
    "panned": lambda studio, model: studio.init_images.pan(OURS, Direction.RIGHT, model),
    "panned up": lambda studio, model: studio.init_images.pan(OURS, Direction.UP, model),
}


def png(image: Image.Image) -> bytes:
    """The picture as a file."""
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
async def studio(tmp_path: Path, tiny_model: Path) -> AsyncIterator[Studio]:
    """A studio with one finished picture of 64×64."""
    tiny = model_settings(tiny_model, min_side=32, max_side=96)
    settings = engine_settings(grace=0.0)
    async with open_studio(settings, {"tiny": tiny}, tmp_path / "data") as studio:
        await painted(studio, ImageRequest(prompt="a red house", seed=7))
        yield studio


async def painted(studio: Studio, request: ImageRequest, **more: Any) -> Job:
    """Submit a request and wait until it is painted."""
    job = await studio.submit(request, Requester(owner="ada", **more))
    async with asyncio.timeout(60):
        [*_, last] = [event async for event in studio.watch(job.id)]
    assert last.pictures, last.error
    return await studio.job(job.id)


def opened(file: Path) -> Image.Image:
    """The picture in the file, read to its end."""
    with Image.open(file) as image:
        image.load()
    return image


@pytest.mark.parametrize("lay", WAYS.values(), ids=WAYS)
async def test_what_the_mask_keeps_comes_out_unchanged_and_the_rest_does_not(
    studio: Studio, tmp_path: Path, lay: Lay
) -> None:
    first = await studio.job(1)
    start = await lay(studio, studio.models["tiny"])
    request = start.applied_to(ImageRequest.of(first.recipe))
    job = await painted(studio, request, parent=OURS)
    after = opened(job.pictures[0])
    assert after.size == start.size
    uploads = tmp_path / "data" / "uploads"
    before = opened(uploads / start.image)
    mask = opened(uploads / start.mask).resize(start.size, Image.Resampling.BILINEAR)
    changed = ImageChops.difference(before, after)
    black = mask.point([255 if value == 0 else 0 for value in range(256)])
    assert black.getbbox() is not None
    kept = Image.composite(changed, Image.new("RGB", changed.size), black)
    assert kept.getbbox() is None
    assert changed.getbbox() is not None
    assert job.recipe.seed != first.recipe.seed
    assert (job.recipe.mask, job.recipe.count) == (start.mask, 1)


async def test_a_picture_as_large_as_the_model_paints_is_shifted(studio: Studio) -> None:
    tiny = studio.models["tiny"]
    wider = await studio.init_images.pan(OURS, Direction.RIGHT, tiny)
    assert wider.size == (96, 64)
    job = await painted(studio, wider.applied_to(ImageRequest(prompt="a boat")))
    again = await studio.init_images.pan(Parent(job.id, 0), Direction.RIGHT, tiny)
    assert again.size == (96, 64)
    taller = await studio.init_images.pan(Parent(job.id, 0), Direction.DOWN, tiny)
    assert taller.size == (96, 96)


async def test_an_enlarged_picture_goes_on_at_a_size_that_is_painted(studio: Studio) -> None:
    large = await studio.enlarge(OURS, 4, Requester(owner="ada"))
    start = await studio.init_images.inpaint_parts(Parent(large.id, 0), {5}, studio.models["tiny"])
    assert start.size == (96, 96)
    assert start.applied_to(ImageRequest.of(large.recipe)).enlarged == 1


async def test_a_chart_is_a_picture_of_the_picture(studio: Studio) -> None:
    plain = await studio.init_images.draw_parts(OURS, ())
    chosen = await studio.init_images.draw_parts(OURS, {3})
    with Image.open(BytesIO(plain)) as image:
        assert (image.format, image.size) == ("WEBP", (640, 640))
    assert plain != chosen


@pytest.mark.parametrize("lay", WAYS.values(), ids=WAYS)
async def test_what_is_gone_gets_a_sentence(studio: Studio, tmp_path: Path, lay: Lay) -> None:
    tiny = studio.models["tiny"]
    shutil.rmtree(tmp_path / "data" / "pictures")
    with pytest.raises(InvalidRequest, match="This picture's file is gone"):
        await lay(studio, tiny)
    await studio.delete(1)
    with pytest.raises(UnknownJob):
        await lay(studio, tiny)


async def test_a_picture_that_a_job_does_not_have_gets_a_sentence(studio: Studio) -> None:
    with pytest.raises(InvalidRequest, match="This picture's file is gone"):
        await studio.init_images.draw_parts(Parent(1, 3), ())


async def test_a_damaged_picture_gets_a_sentence(studio: Studio) -> None:
    [file] = (await studio.job(1)).pictures
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(InvalidRequest, match="This picture's file is gone"):
        await studio.init_images.inpaint_parts(OURS, {1}, studio.models["tiny"])
