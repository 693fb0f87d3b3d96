"""Uploaded init images and masks: checked, converted to plain PNG, and stored by their hash.

A job that is painted again after a restart needs them again, so they are on disk; the recipe has
their names.
"""

import hashlib
from collections.abc import Iterable, Set
from pathlib import Path
from typing import cast

from PIL import Image

from engine.atomic_write import write_whole
from engine.devices.messages import Pixels
from engine.errors import InvalidRequest, StorageError
from engine.images.colours import on_white
from engine.images.encoding import PictureMarks, encoded
from engine.images.masks import mask_of, may_be_transparent
from engine.images.metadata.xmp import SourceType, source_type_in
from engine.images.reading import read_picture
from engine.sizes import size_of
from speech import say

MAX_SIDE = 2048
"""Pixels a side of a stored upload; more than any model here paints."""

MAX_RATIO = 8
"""The longest side of a reference picture over its shortest, as FLUX.2's image processor has it."""


class UploadFolder:
    """The folder of uploads. Its methods block: call them on a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, data: bytes, origin: SourceType | None = None) -> str:
        """Store a picture, upright, in RGB or with what is transparent in it; returns its name.

        Args:
            data: Its file, of which only the pixels and what it tells of their origin are kept.
            origin: Their origin, if the file doesn't tell.

        Raises:
            InvalidRequest: When it isn't a picture, or is too large.
            StorageError: When the disk is full or refuses.
        """
        image = _without_needless_opacity(read_picture(data, MAX_SIDE))
        return self.keep_image(image, source_type_in(data) or origin)

    def keep_mask(self, data: bytes, image: str) -> str:
        """Store the mask of the upload `image`, scaled to its size; returns its name.

        Raises:
            InvalidRequest: When it isn't a picture, marks nothing, or doesn't fit that upload; or
                that upload is gone.
            StorageError: When the disk is full or refuses.
        """
        return self.keep_image(mask_of(read_picture(data, MAX_SIDE), self.size(image)))

    def keep_image(self, image: Image.Image, origin: SourceType | None = None) -> str:
        """Store what the program itself has drawn; returns its name. Raises `StorageError`."""
        data = encoded(image, "PNG", PictureMarks(source_type=origin))
        name = hashlib.sha256(data).hexdigest()[:32] + ".png"
        file = self.path(name)
        try:
            if file.is_file() and file.stat().st_size == len(data):
                file.touch()  # `delete_unused` keeps it a while longer
            else:
                write_whole(file, data)
        except OSError as error:
            raise StorageError(
                say(
                    "The start image couldn't be saved: {reason}.",
                    reason=error.strerror,
                )
            ) from error
        return name

    def files(self) -> list[Path]:
        """All files in the folder."""
        return [file for file in self._folder.rglob("*") if file.is_file()]

    def total_bytes(self) -> int:
        """The size of all files in the folder."""
        return size_of(self.files())

    def make_room(self, needed: Set[str], before: float, most: float) -> bool:
        """Delete the oldest uploads that aren't `needed` until all take at most `most` bytes.

        Args:
            needed: Names that stay.
            before: Epoch seconds; younger ones stay.
            most: Bytes.

        Returns:
            Whether they take so little now.
        """
        states = ((file, file.stat()) for file in self.files())
        found = sorted((state.st_mtime, state.st_size, file) for file, state in states)
        total = sum(size for _, size, _ in found)
        for changed, size, file in found:
            if total <= most:
                break
            if file.name not in needed and changed < before:
                file.unlink(missing_ok=True)
                total -= size
        return total <= most

    def delete_unused(self, needed: Set[str], before: float) -> int:
        """Delete uploads that aren't `needed` and older than `before` (epoch seconds); how many."""
        unused = [
            file
            for file in self.files()
            if file.name not in needed and file.stat().st_mtime < before
        ]
        for file in unused:
            file.unlink(missing_ok=True)
        return len(unused)

    def require(self, name: str) -> None:
        """Raise `InvalidRequest` unless the upload of that name exists."""
        file = self.path(name)
        if not file.is_file() or not file.stat().st_size:
            raise InvalidRequest(say("The start image is no longer stored. Send it again."))

    def require_references(self, names: Iterable[str]) -> None:
        """Raise `InvalidRequest` unless these uploads exist and models can be shown them."""
        for name in names:
            width, height = self.size(name)
            if max(width, height) > MAX_RATIO * min(width, height):
                raise InvalidRequest(
                    say(
                        "The picture is {width} × {height} pixels. No side can be more than {most} "
                        "times the other. Send a part of it.",
                        width=width,
                        height=height,
                        most=MAX_RATIO,
                    )
                )

    def size(self, name: str) -> tuple[int, int]:
        """Width and height of the upload of that name, in pixels. Raises `InvalidRequest`."""
        self.require(name)
        with Image.open(self.path(name)) as image:
            return image.size

    def path(self, name: str) -> Path:
        """The file of the upload of that name."""
        return self._folder / name


def read_pixels(data: bytes, side: int) -> Pixels:
    """A picture, upright, in RGB on white, no larger than `side` pixels a side. Nothing is stored.

    Raises:
        InvalidRequest: When it isn't a picture, or is too large.
    """
    image = on_white(read_picture(data, MAX_SIDE))
    image.thumbnail((side, side))
    return Pixels.of(image)


def _without_needless_opacity(image: Image.Image) -> Image.Image:
    """RGBA if something in the picture is transparent, else RGB."""
    if not may_be_transparent(image):
        return image.convert("RGB")
    layered = image.convert("RGBA")
    least, _ = cast(tuple[int, int], layered.getchannel("A").getextrema())
    return layered if least < 255 else layered.convert("RGB")
