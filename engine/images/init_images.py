"""Pictures to start from: what people send along, and finished ones to be gone on with."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

from PIL import Image

from engine.errors import InvalidRequest
from engine.images.canvas import (
    Direction,
    InpaintCanvas,
    draw_parts,
    inpaint_size,
    mask_parts,
    nearest_size,
    pan,
    pan_margin,
    zoom_out,
)
from engine.images.output import GONE
from engine.images.uploads import UploadFolder
from engine.jobs.job import Job, Parent
from engine.jobs.request import ImageRequest
from engine.models.catalogue import Model
from engine.store import JobTable
from speech import say


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInitImage:
    """A kept picture, with its mask, that is painted further.

    Attributes:
        image: The name to ask for it by.
        mask: That of its mask.
        size: Width and height, in pixels.
        strength: How far the picture leaves behind what the mask marks.
    """

    image: str
    mask: str
    size: tuple[int, int]
    strength: float

    def under(self, request: ImageRequest) -> ImageRequest:
        """What `request` asks for, once, from here."""
        width, height = self.size
        return replace(
            request,
            image=self.image,
            mask=self.mask,
            width=width,
            height=height,
            strength=self.strength,
            seed=None,
            count=1,
            enlarged=1,
            tile=False,
        )


def with_init_image(
    request: ImageRequest, image: str, mask: str | None, shape: tuple[int, int], model: Model
) -> ImageRequest:
    """The request from a kept picture, in its shape unless another size was asked for.

    Args:
        request: What was asked for.
        image: Name of the picture.
        mask: Name of its mask: what it marks is left behind altogether, unless it was said how far.
        shape: Width and height of the picture, in pixels.
        model: What paints.
    """
    if request.width is None:
        width, height = (inpaint_size if mask else nearest_size)(model, *shape)
        request = replace(request, width=width, height=height)
    if mask is not None and request.strength is None:
        request = replace(request, strength=1.0)
    return replace(request, image=image, mask=mask)


class InitImages:
    """Keeps pictures for requests that start from them.

    All of its methods raise `StorageError` when what is to be kept cannot be written down. Those
    that take a `Parent` raise `UnknownJob` when its job is gone, and `InvalidRequest` when its
    file is gone or damaged.
    """

    def __init__(self, jobs: JobTable, uploads: UploadFolder) -> None:
        self._jobs = jobs
        self._uploads = uploads

    async def keep(self, data: bytes) -> str:
        """Keep a picture; the name to ask for it by.

        Raises:
            InvalidRequest: When it is no picture, or too large a one.
        """
        return await asyncio.to_thread(self._uploads.keep, data)

    async def keep_mask(self, data: bytes, image: str) -> str:
        """Keep the mask of the picture kept as `image`; the name to ask for it by.

        It is white where the picture is painted anew, on black or on nothing; or a picture with
        holes where it is. It is brought to the size of its picture.

        Raises:
            InvalidRequest: When it is no picture, marks nothing, or has another shape.
        """
        return await asyncio.to_thread(self._uploads.keep_mask, data, image)

    async def size(self, name: str) -> tuple[int, int]:
        """Width and height of a kept picture, in pixels.

        Raises:
            InvalidRequest: When it is not kept any more.
        """
        return await asyncio.to_thread(self._uploads.size, name)

    async def finished(self, parent: Parent) -> tuple[Job, Path]:
        """The job of a finished picture, and its file, which may be gone."""
        job = await self._jobs.get(parent.job_id)
        if not parent.number < len(job.pictures):
            raise InvalidRequest(say(GONE))
        return job, job.pictures[parent.number]

    async def of(self, parent: Parent) -> str:
        """Keep a finished picture; the name to ask for it by."""
        _, file = await self.finished(parent)
        try:
            data = await asyncio.to_thread(file.read_bytes)
        except OSError as error:
            raise InvalidRequest(say(GONE)) from error
        return await self.keep(data)

    async def draw_parts(self, parent: Parent, chosen: Collection[int]) -> bytes:
        """A WebP of the picture with its parts outlined and numbered, those chosen tinted."""
        _, file = await self.finished(parent)

        def draw() -> bytes:
            buffer = BytesIO()
            draw_parts(_opened(file), chosen).save(buffer, "WEBP", quality=90)
            return buffer.getvalue()

        return await asyncio.to_thread(draw)

    async def filling(
        self, parent: Parent, parts: Collection[int], model: Model
    ) -> StoredInitImage:
        """Keep the picture with some of `engine.images.canvas.PARTS` to be painted anew."""
        return await self._laid(parent, model, lambda image: mask_parts(image, parts))

    async def masked(self, parent: Parent, mask: bytes, model: Model) -> StoredInitImage:
        """Keep the picture with what a mask marks to be painted anew.

        Raises:
            InvalidRequest: When it is no mask of that picture, too.
        """
        image = await self.of(parent)
        name = await self.keep_mask(mask, image)
        size = inpaint_size(model, *await self.size(image))
        return StoredInitImage(image=image, mask=name, size=size, strength=1.0)

    async def zoom_out(self, parent: Parent, factor: float, model: Model) -> StoredInitImage:
        """Keep the picture at its size, `factor` times as small, with room all around."""
        return await self._laid(parent, model, lambda image: zoom_out(image, factor))

    async def pan(self, parent: Parent, way: Direction, model: Model) -> StoredInitImage:
        """Keep the picture with room at one side, half as much as it has.

        It grows by that where the model paints so large; else as much of it is lost at the other
        side.
        """

        def lay(image: Image.Image) -> InpaintCanvas:
            room, grows = pan_margin(model, image.size, way)
            return pan(image, way, room, grows=grows)

        return await self._laid(parent, model, lay)

    async def _laid(
        self, parent: Parent, model: Model, lay: Callable[[Image.Image], InpaintCanvas]
    ) -> StoredInitImage:
        _, file = await self.finished(parent)

        def keep() -> StoredInitImage:
            image = _opened(file)
            canvas = lay(image.resize(inpaint_size(model, *image.size), Image.Resampling.LANCZOS))
            return StoredInitImage(
                image=self._uploads.keep_image(canvas.image),
                mask=self._uploads.keep_image(canvas.mask),
                size=canvas.image.size,
                strength=canvas.strength,
            )

        return await asyncio.to_thread(keep)


def _opened(file: Path) -> Image.Image:
    """The picture in `file`, one of ours. Raises `InvalidRequest` when it is gone or damaged."""
    try:
        with Image.open(file) as image:
            return image.convert("RGB")
    except (OSError, SyntaxError) as error:
        raise InvalidRequest(say(GONE)) from error
