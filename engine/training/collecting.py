"""Pictures that people give to a training: each is looked at before it's taken."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.devices.messages import Pixels
from engine.errors import InvalidRequest
from engine.images.colours import on_white
from engine.images.encoding import PictureMarks, encoded
from engine.images.reading import read_picture
from engine.safety.verdict import CHECKED_SIDE
from engine.training.dataset.duplicates import Fingerprint, fingerprint
from engine.training.dataset.reading import ENOUGH
from engine.training.training import CollectedPicture
from speech import say, say_many

MAX_PICTURES = 60

MAX_SIDE = 2048
"""Pixels a side of what is kept; no bucket of a training at 1024 is longer."""

MAX_CAPTION = 1000
"""Characters; text encoders read about half of it at most."""


@dataclass(frozen=True, slots=True)
class GivenPicture:
    """A picture that can be trained on.

    Attributes:
        data: A PNG of it, upright, in RGB, without anything that its file said of it.
        width: In pixels.
        height: In pixels.
        fingerprint: Finds others that look the same.
        small: It for the safety classifier.
    """

    data: bytes
    width: int
    height: int
    fingerprint: Fingerprint
    small: Pixels


def look_over(data: bytes, least: int) -> GivenPicture:
    """The picture in a file of a stranger. Blocks; to be called by a `Decoder`.

    Args:
        data: The file.
        least: Pixels that its shorter side has to have.

    Raises:
        InvalidRequest: When it isn't a picture, or is too small.
    """
    image = on_white(read_picture(data, MAX_SIDE))
    if min(image.size) < least:
        raise InvalidRequest(
            say(
                "This picture has {width}×{height} pixels. Each side needs {least} or more.",
                width=image.width,
                height=image.height,
                least=least,
            )
        )
    small = image.copy()
    small.thumbnail((CHECKED_SIDE, CHECKED_SIDE))
    return GivenPicture(
        encoded(image, "PNG", PictureMarks()), *image.size, fingerprint(image), Pixels.of(small)
    )


def check_room(pictures: Sequence[CollectedPicture]) -> None:
    """Raise `InvalidRequest` if there are as many pictures as there may be."""
    if len(pictures) >= MAX_PICTURES:
        raise InvalidRequest(
            say_many(
                "There is {number} picture already, which is as many as can be used. Remove it "
                "first.",
                "There are {number} pictures already, which is as many as can be used. Remove one "
                "first.",
                len(pictures),
            )
        )


def check_new(pictures: Sequence[CollectedPicture], given: GivenPicture) -> None:
    """Raise `InvalidRequest` if a picture looks like one that is there."""
    for picture in pictures:
        if picture.fingerprint.is_like(given.fingerprint):
            raise InvalidRequest(
                say("This picture looks the same as picture {number}.", number=picture.number)
            )


def check_enough(pictures: Sequence[CollectedPicture]) -> None:
    """Raise `InvalidRequest` if there are too few pictures to start."""
    if len(pictures) < ENOUGH:
        raise InvalidRequest(
            say_many(
                "There is {number} picture. Add more: training needs {enough} or more.",
                "There are {number} pictures. Add more: training needs {enough} or more.",
                len(pictures),
                enough=ENOUGH,
            )
        )


def checked_caption(text: str) -> str:
    """The text on one line. Raises `InvalidRequest` when it's too long."""
    caption = " ".join(text.split())
    if len(caption) > MAX_CAPTION:
        raise InvalidRequest(
            say(
                "The caption has {length} characters; the limit is {most}.",
                length=len(caption),
                most=MAX_CAPTION,
            )
        )
    return caption


def require_picture(pictures: Sequence[CollectedPicture], number: int) -> CollectedPicture:
    """The picture of that number. Raises `InvalidRequest` when there is none."""
    for picture in pictures:
        if picture.number == number:
            return picture
    raise InvalidRequest(say("Picture {number} was removed.", number=number))
