"""Finished pictures on their way back: as PNG, in parts, with a hash; checked before they count."""

import contextlib
import hashlib
import io
from collections.abc import Iterator, Sequence

from PIL import Image

from engine.cluster.protocol.parts import PictureFile
from engine.devices.messages import Pixels, ProcessPicture, RunJob
from engine.jobs.process import ProcessKind

COMPRESSION = 1
"""zlib's level: a higher one takes longer than the network saves."""

HEADER_BYTES = 65_536
"""What a PNG may have besides its pixels, and what pixels that can't be compressed add."""

SENT_BYTES = 128 * 1024
"""Bytes of a part: on a slow line, a worker's sign of life waits until one is through."""

PREVIEW_SIDE = 4096
"""Pixels that a preview may be wide or high."""

Size = tuple[int, int]


class WrongPicture(Exception):
    """A picture that isn't what was asked for; the text says in what."""


def packed(picture: Pixels) -> bytes:
    """A picture as PNG: the same pixels in fewer bytes. Takes a tenth of a second a megapixel."""
    buffer = io.BytesIO()
    picture.image().save(buffer, "PNG", compress_level=COMPRESSION)
    return buffer.getvalue()


def file_of(data: bytes) -> PictureFile:
    """What a packed picture is announced as."""
    return PictureFile(hash=hashlib.sha256(data).hexdigest(), size=len(data))


def parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The parts of a packed picture, each with where it begins."""
    for offset in range(0, len(data), SENT_BYTES):
        yield offset, data[offset : offset + SENT_BYTES]


def expected_size(command: RunJob | ProcessPicture) -> Size:
    """Width and height that the pictures of a job will have.

    Reads the header of the job's picture. Blocks; raises `OSError` if that is gone.
    """
    recipe = command.job.recipe
    process = recipe.process
    if process is None:
        return recipe.width, recipe.height
    assert command.image is not None, "what is worked on is a picture"
    with Image.open(command.image) as picture:
        width, height = picture.size
    factor = recipe.enlarged if process.kind is ProcessKind.UPSCALE else 1
    return factor * width, factor * height


def usable_preview(data: bytes | None) -> bytes | None:
    """A preview, if it is one: it is shown as it is."""
    if data is not None:
        with (
            contextlib.suppress(Exception),
            Image.open(io.BytesIO(data), formats=["WEBP"]) as image,
        ):
            if max(image.size) <= PREVIEW_SIDE:
                return data
    return None


class Assembly:
    """The parts of a job's pictures, put together as they come."""

    def __init__(self, count: int, size: Size) -> None:
        """Expect so many pictures of that size."""
        self._size = size
        pixels = size[0] * size[1]
        self._most = 4 * pixels + pixels // 256 + HEADER_BYTES
        self._parts: list[bytearray] = [bytearray() for _ in range(count)]

    def anew(self) -> "Assembly":
        """An empty one that expects the same."""
        return Assembly(len(self._parts), self._size)

    def add(self, number: int, offset: int, data: bytes) -> None:
        """Take in a part; one that came before is ignored.

        Raises:
            WrongPicture: When a part before it is missing, or the picture gets too large.
        """
        if number >= len(self._parts):
            raise WrongPicture("too many pictures")
        picture = self._parts[number]
        if offset == 0 and data and not picture.startswith(data):
            picture.clear()  # sent again from the start
        if offset + len(data) <= len(picture):
            return
        if offset != len(picture):
            raise WrongPicture("a part is missing")
        if len(picture) + len(data) > self._most:
            raise WrongPicture("too many bytes")
        picture += data

    def pixels(self, files: Sequence[PictureFile]) -> tuple[Pixels, ...]:
        """The pictures, if they are those that were announced and asked for. Blocks.

        Raises:
            WrongPicture: When they are not.
        """
        if len(files) != len(self._parts):
            raise WrongPicture("another number of pictures")
        return tuple(
            self._read(bytes(data), file) for data, file in zip(self._parts, files, strict=True)
        )

    def complete(self, files: Sequence[PictureFile]) -> bool:
        """Whether all parts have arrived, as they were announced."""
        return len(files) == len(self._parts) and all(
            len(data) == file.size and hashlib.sha256(data).hexdigest() == file.hash
            for data, file in zip(self._parts, files, strict=True)
        )

    def _read(self, data: bytes, file: PictureFile) -> Pixels:
        if file_of(data) != file:
            raise WrongPicture("another hash")
        try:
            with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
                if picture.size != self._size:
                    raise WrongPicture("another size")
                if picture.mode not in ("RGB", "RGBA"):
                    raise WrongPicture("another mode")
                return Pixels.of(picture)
        except WrongPicture:
            raise
        except Exception as error:  # Pillow's readers raise anything over broken parts
            raise WrongPicture("not a picture") from error
