"""Pictures that are shown to the world beside a model, without what their files say of themselves.

The prompt goes into the model card, where its owner reads it before it is published.
"""

import re
from pathlib import Path

from PIL import Image

from engine.errors import InvalidRequest
from engine.images.encoding import PictureMarks, encoded, marks_in
from engine.images.exif_orientation import EXIF_ERRORS, apply_exif_orientation
from engine.images.metadata import read_settings
from speech import say

AFTER_PROMPT = re.compile(r"\n(?:Negative prompt|Steps):.*", re.DOTALL)
"""What follows the prompt in A1111's form."""

EMBEDDED = re.compile(r"\s*<[^<>]*>")
"""A LoRA in a prompt."""


def bare_sample(file: Path) -> tuple[bytes, str]:
    """The picture as PNG with nothing but its origin in it, and its prompt (empty if unknown).

    Raises:
        InvalidRequest: It isn't a picture, or can't be read.
    """
    try:
        data = file.read_bytes()
        with Image.open(file) as image:
            marks = PictureMarks(source_type=marks_in(file).source_type)
            bare = encoded(apply_exif_orientation(image).convert("RGB"), "PNG", marks)
    except EXIF_ERRORS as error:
        raise InvalidRequest(say("{path} isn't a picture that can be read.", path=file)) from error
    settings = read_settings(data)
    text = AFTER_PROMPT.sub("", f"{settings.text}\n" if settings else "")
    return bare, " ".join(EMBEDDED.sub("", text).split())
