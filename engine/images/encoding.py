"""Pictures as files, with what they say of themselves: their origin, and how they were made."""

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from PIL import Image, PngImagePlugin

from engine.images.metadata.containers import PNG_XMP
from engine.images.metadata.xmp import SourceType, source_type_of, xmp_packet

Format = Literal["PNG", "WEBP"]

PARAMETERS = "parameters"
"""Keyword of the text with the settings in a PNG."""

THUMBNAIL_QUALITY = 80

EXIF_IFD, USER_COMMENT = 0x8769, 0x9286
"""Where A1111 and its relatives read the settings of a WebP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureMarks:
    """What a picture's file says of it.

    Attributes:
        source_type: Its origin, in XMP.
        parameters: Its settings, in the form of A1111.
    """

    source_type: SourceType | None = None
    parameters: str | None = None


def encoded(
    image: Image.Image, kind: Format, marks: PictureMarks, quality: int | None = None
) -> bytes:
    """The bytes of a file.

    Args:
        image: The picture.
        kind: The format.
        marks: What the file says of it.
        quality: 1 to 100, of a WebP.
    """
    options: dict[str, Any] = {} if quality is None else {"quality": quality}
    xmp = xmp_packet(marks.source_type) if marks.source_type else None
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        if xmp is not None:
            info.add_itxt(PNG_XMP, xmp.decode())
        if marks.parameters is not None:
            info.add_text(PARAMETERS, marks.parameters)
        options["pnginfo"] = info
    else:
        if xmp is not None:
            options["xmp"] = xmp
        if marks.parameters is not None:
            comment = b"UNICODE\0" + marks.parameters.encode("utf-16-be")
            options["exif"] = exif = Image.Exif()
            exif.get_ifd(EXIF_IFD)[USER_COMMENT] = comment
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def recoded(file: Path, kind: Format, quality: int) -> bytes:
    """The picture in `file`, one of ours, in another format; what it says of itself is kept.

    Raises:
        OSError: When the file is gone or can't be read.
    """
    with Image.open(file) as image:
        return encoded(image, kind, _marks(image), quality)


def thumbnail(file: Path, side: int, *, opaque: bool = True) -> bytes:
    """The picture in `file` as a WebP without marks, `side` pixels wide or high at most.

    Args:
        file: The picture.
        side: Of the longer side.
        opaque: Whether an alpha channel is dropped.

    Raises:
        OSError: The file is gone or damaged.
        SyntaxError: It's damaged.
    """
    buffer = BytesIO()
    with Image.open(file) as image:
        image.thumbnail((side, side))
        small = image.convert("RGB") if opaque else image
        small.save(buffer, "WEBP", quality=THUMBNAIL_QUALITY)
    return buffer.getvalue()


def marks_in(file: Path) -> PictureMarks:
    """What one of our PNGs says of itself; nothing if it's gone or damaged."""
    try:
        with Image.open(file) as image:
            return _marks(image)
    except (OSError, SyntaxError):
        return PictureMarks()


def marks_of_several(files: Iterable[Path]) -> PictureMarks:
    """What a picture made of several of ours says: the settings of the first that has any."""
    found = [marks_in(file) for file in files]
    types = {marks.source_type for marks in found} - {None}
    texts = (marks.parameters for marks in found if marks.parameters is not None)
    edited = SourceType.COMPOSITE in types
    return PictureMarks(
        source_type=SourceType.COMPOSITE if edited else next(iter(types), None),
        parameters=next(texts, None),
    )


def _marks(image: Image.Image) -> PictureMarks:
    text = image.info.get(PARAMETERS)
    return PictureMarks(
        source_type=source_type_of(str(image.info.get(PNG_XMP, ""))),
        parameters=text if isinstance(text, str) else None,
    )
