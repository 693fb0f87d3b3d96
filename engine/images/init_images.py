"""Init images: what people upload, and finished pictures that are painted further."""

import asyncio
from collections.abc import Callable, Collection, Sequence
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
from engine.images.colours import on_white
from engine.images.decoder import Decoder
from engine.images.encoding import marks_in
from engine.images.metadata import PictureSettings, read_settings
from engine.images.metadata.xmp import SourceType
from engine.images.output import GONE
from engine.images.uploads import UploadFolder
from engine.jobs.control import Control
from engine.jobs.job import Job, Parent
from engine.jobs.request import ImageRequest
from engine.models.model import Model
from engine.store import JobTable
from speech import retranslate, say


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInitImage:
    """A stored init image with its mask.

    Attributes:
        image: Its name.
        mask: The name of its mask.
        size: Width and height, pixels.
        strength: How much what the mask marks may change.
    """

    image: str
    mask: str
    size: tuple[int, int]
    strength: float

    def applied_to(self, request: ImageRequest) -> ImageRequest:
        """`request` for one picture from this init image."""
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
            references=(),
            control=None,
        )


def with_init_image(
    request: ImageRequest, image: str, mask: str | None, shape: tuple[int, int], model: Model
) -> ImageRequest:
    """The request with an init image, in its shape unless another size was requested.

    Args:
        request: What was requested.
        image: Name of the init image.
        mask: Name of its mask. What it marks is fully repainted unless a strength was requested.
        shape: Width and height of the init image, pixels.
        model: The model that paints.
    """
    if request.width is None:
        width, height = (inpaint_size if mask else nearest_size)(model, *shape)
        request = replace(request, width=width, height=height)
    if mask is not None and request.strength is None:
        request = replace(request, strength=1.0)
    return replace(request, image=image, mask=mask)


def with_references(
    request: ImageRequest, names: Sequence[str], shape: tuple[int, int] | None, model: Model
) -> ImageRequest:
    """The request with reference pictures, in a shape of theirs unless a size was requested.

    Args:
        request: What was requested.
        names: Names of the stored pictures.
        shape: Width and height of the picture whose shape to take, pixels; `None` for the model's.
        model: The model that paints.
    """
    if request.width is None and shape is not None:
        width, height = nearest_size(model, *shape)
        request = replace(request, width=width, height=height)
    return replace(request, references=tuple(names))


def with_control(
    request: ImageRequest, control: Control, shape: tuple[int, int], model: Model
) -> ImageRequest:
    """The request with control, in the shape of its picture unless a size was requested.

    Args:
        request: What was requested.
        control: What to paint along.
        shape: Width and height of its picture, pixels.
        model: The model that paints.
    """
    if request.width is None:
        width, height = nearest_size(model, *shape)
        request = replace(request, width=width, height=height)
    return replace(request, control=control)


class InitImages:
    """Stores init images for requests.

    All methods raise `StorageError` when a picture can't be stored. Those that take a `Parent`
    raise `UnknownJob` when its job is gone, and `InvalidRequest` when its file is gone or damaged.
    """

    def __init__(self, jobs: JobTable, uploads: UploadFolder, decoder: Decoder) -> None:
        """Take where jobs and uploads are, and what decodes pictures of strangers."""
        self._jobs = jobs
        self._uploads = uploads
        self._decoder = decoder

    async def keep(self, data: bytes) -> str:
        """Store a picture; returns its name.

        Raises:
            InvalidRequest: When it isn't a picture, or is too large.
        """
        return await self._decoder.run(self._uploads.keep, data)

    async def keep_mask(self, data: bytes, image: str) -> str:
        """Store the mask of the picture `image`; returns its name.

        It is white where the picture is repainted, on black or transparent; or it is a picture with
        transparent holes. It is scaled to the size of its picture.

        Raises:
            InvalidRequest: When it isn't a picture, marks nothing, or has another shape.
        """
        return await self._decoder.run(self._uploads.keep_mask, data, image)

    async def settings(self, data: bytes) -> PictureSettings | None:
        """The settings in a picture; `None` if it has none.

        Raises:
            InvalidRequest: When the bytes aren't a picture, or the settings are too long.
        """
        found = await self._decoder.run(read_settings, data)
        return found and replace(found, notes=tuple(retranslate(note) for note in found.notes))

    async def size(self, name: str) -> tuple[int, int]:
        """Width and height of a stored picture, pixels.

        Raises:
            InvalidRequest: When it is no longer stored.
        """
        return await asyncio.to_thread(self._uploads.size, name)

    async def read(self, name: str) -> bytes:
        """The file of a stored picture.

        Raises:
            InvalidRequest: When it is no longer stored.
        """

        def read() -> bytes:
            self._uploads.require(name)
            return self._uploads.path(name).read_bytes()

        return await asyncio.to_thread(read)

    async def finished(self, parent: Parent) -> tuple[Job, Path]:
        """The job of a finished picture, and its file, which may be gone."""
        job = await self._jobs.get(parent.job_id)
        if not parent.number < len(job.pictures):
            raise InvalidRequest(say(GONE))
        return job, job.pictures[parent.number]

    async def read_finished(self, parent: Parent) -> bytes:
        """The file of a finished picture."""
        _, file = await self.finished(parent)
        return await asyncio.to_thread(_read, file)

    async def keep_finished(self, parent: Parent) -> str:
        """Store a finished picture as an init image; returns its name."""
        job, file = await self.finished(parent)

        def keep() -> str:
            return self._uploads.keep(_read(file), _origin_if_untold(job))  # one of ours

        return await asyncio.to_thread(keep)

    async def keep_whole(self, parent: Parent) -> tuple[str, tuple[int, int]]:
        """Store a finished picture just as it is; returns its name, and its size in pixels."""
        _, file = await self.finished(parent)

        def keep() -> tuple[str, tuple[int, int]]:
            try:
                with Image.open(file) as image:
                    image.load()
            except (OSError, SyntaxError) as error:
                raise InvalidRequest(say(GONE)) from error
            return self._uploads.keep_image(image), image.size

        return await asyncio.to_thread(keep)

    async def draw_parts(self, parent: Parent, chosen: Collection[int]) -> bytes:
        """A WebP of the picture with its parts outlined and numbered, the chosen ones tinted."""
        _, file = await self.finished(parent)

        def draw() -> bytes:
            buffer = BytesIO()
            draw_parts(_opened(file), chosen).save(buffer, "WEBP", quality=90)
            return buffer.getvalue()

        return await asyncio.to_thread(draw)

    async def inpaint_parts(
        self, parent: Parent, parts: Collection[int], model: Model
    ) -> StoredInitImage:
        """Store the picture with some of `engine.images.canvas.PARTS` marked for repainting."""
        return await self._keep_canvas(parent, model, lambda image: mask_parts(image, parts))

    async def inpaint_mask(self, parent: Parent, mask: bytes, model: Model) -> StoredInitImage:
        """Store the picture with a mask for repainting.

        Raises:
            InvalidRequest: Also when the mask doesn't fit the picture.
        """
        image = await self.keep_finished(parent)
        name = await self.keep_mask(mask, image)
        size = inpaint_size(model, *await self.size(image))
        return StoredInitImage(image=image, mask=name, size=size, strength=1.0)

    async def zoom_out(self, parent: Parent, factor: float, model: Model) -> StoredInitImage:
        """Store the picture scaled down by `factor`, with space all around."""
        return await self._keep_canvas(parent, model, lambda image: zoom_out(image, factor))

    async def pan(self, parent: Parent, direction: Direction, model: Model) -> StoredInitImage:
        """Store the picture with half its size added at one side.

        It grows if the model can paint it so large; otherwise as much is cut off at the other side.
        """

        def extend(image: Image.Image) -> InpaintCanvas:
            margin, grows = pan_margin(model, image.size, direction)
            return pan(image, direction, margin, grows=grows)

        return await self._keep_canvas(parent, model, extend)

    async def _keep_canvas(
        self, parent: Parent, model: Model, make: Callable[[Image.Image], InpaintCanvas]
    ) -> StoredInitImage:
        job, file = await self.finished(parent)

        def keep() -> StoredInitImage:
            image = _opened(file)
            origin = marks_in(file).source_type or _origin_if_untold(job)
            canvas = make(image.resize(inpaint_size(model, *image.size), Image.Resampling.LANCZOS))
            return StoredInitImage(
                image=self._uploads.keep_image(canvas.image, origin),
                mask=self._uploads.keep_image(canvas.mask),
                size=canvas.image.size,
                strength=canvas.strength,
            )

        return await asyncio.to_thread(keep)


def _origin_if_untold(job: Job) -> SourceType | None:
    """The origin of a picture whose file doesn't tell: an old one, or one without metadata."""
    return SourceType.TRAINED if job.recipe.image is None else None


def _read(file: Path) -> bytes:
    """The bytes of `file`, one of our pictures. Raises `InvalidRequest` when it is gone."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidRequest(say(GONE)) from error


def _opened(file: Path) -> Image.Image:
    """The picture in `file`, one of ours. Raises `InvalidRequest` when it is gone or damaged."""
    try:
        with Image.open(file) as image:
            return on_white(image)
    except (OSError, SyntaxError) as error:
        raise InvalidRequest(say(GONE)) from error
