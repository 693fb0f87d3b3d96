"""Sizes as members type and pick them: pixels, a ratio, or a shape."""

import math
import re
from dataclasses import replace

from discord.app_commands import Choice

from engine import DEFAULT_STRENGTH, KEEPING_STRENGTH, ImageRequest, InvalidRequest, Model
from speech import LANGUAGES, join_list, phrase, say, use_language

SQUARE, LANDSCAPE, PORTRAIT = phrase("square"), phrase("landscape"), phrase("portrait")


def size_choices(model: Model, current: str) -> list[Choice[str]]:
    """The sizes of `model` whose name or pixels contain what is typed."""
    choices = []
    for ratio, width, height in model.sizes:
        shape = SQUARE if width == height else LANDSCAPE if width > height else PORTRAIT
        name = f"{say(shape)} {ratio} ({width}×{height})"
        choices.append(Choice(name=name, value=f"{width}x{height}"))
    typed = current.strip().lower()
    return [choice for choice in choices if typed in choice.name or typed in choice.value]


def parse_image_size(text: str | None, model: Model) -> tuple[int | None, int | None]:
    """Width and height in pixels from “640x480”, “3:2” or a shape; `None` without a text.

    Raises:
        InvalidRequest: When the text isn't a size, or isn't one that the model offers.
    """
    if text is None:
        return None, None
    typed = text.strip().lower().replace("×", "x")
    if sides := re.fullmatch(r"(\d{1,5})\s*x\s*(\d{1,5})", typed):
        return int(sides[1]), int(sides[2])
    for language in LANGUAGES:
        with use_language(language):
            choices = size_choices(model, "")
        for choice in choices:
            if typed in (choice.name, *choice.name.split()):
                width, _, height = choice.value.partition("x")
                return int(width), int(height)
    offered = join_list([f"{size.ratio} ({size.width}x{size.height})" for size in model.sizes])
    raise InvalidRequest(
        say(
            "“{text}” isn't a valid size. {model}: {sizes}",
            text=text,
            model=model.name,
            sizes=offered,
        )
    )


def fit_to_model(model: Model, request: ImageRequest) -> ImageRequest:
    """The request at a size that the model can repaint.

    An upscaled picture that is larger keeps its size if the strength is low.
    """
    width, height = request.width or 0, request.height or 0
    strength = DEFAULT_STRENGTH if request.strength is None else request.strength
    if strength <= KEEPING_STRENGTH or max(width, height) <= model.max_side:
        return request
    new_width, new_height = nearest_offered_size(model, width, height)
    return replace(request, width=new_width, height=new_height)


def nearest_offered_size(model: Model, width: int, height: int) -> tuple[int | None, int | None]:
    """The size of `model` whose aspect ratio is nearest; `None`s if the model has no sizes."""
    ratio = math.log(width / height)
    sizes = sorted(model.sizes, key=lambda size: abs(math.log(size.width / size.height) - ratio))
    return (sizes[0].width, sizes[0].height) if sizes else (None, None)
