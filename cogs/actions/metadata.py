"""What a message reveals about its pictures: the bot's job, the files, their settings."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import discord

from cogs.requests.attachments import CONTENT_TYPES
from engine import Catalogue, ImageRequest, InvalidRequest, Model, parse_parameters
from speech import say

JOB_CUSTOM_ID = re.compile(r"atelier(?:-picture)?:[a-z]+:(\d{1,19})(?::\d{1,2})?")
"""Matches the custom IDs of buttons that hold a job's number."""

MODEL_SETTINGS = (
    ("width", "height"),
    ("num_inference_steps",),
    ("guidance_scale",),
    ("scheduler",),
    ("seed",),
)
"""Settings, in groups that belong together, that are dropped if a model doesn't support them."""


def pictures_in(message: discord.Message) -> list[discord.Attachment]:
    """The attached pictures.

    Raises:
        InvalidRequest: When there are none.
    """
    pictures = [
        attachment
        for attachment in message.attachments
        if (attachment.content_type or "").partition(";")[0] in CONTENT_TYPES
    ]
    if not pictures:
        raise InvalidRequest(say("This message has no picture attached."))
    return pictures


def job_id_of(message: discord.Message, bot: discord.ClientUser | None) -> int | None:
    """The job that a message of the bot shows, from the custom IDs of its buttons."""
    if bot is None or message.author.id != bot.id:
        return None
    for part in _walk_components(message.components):
        if match := JOB_CUSTOM_ID.fullmatch(getattr(part, "custom_id", None) or ""):
            return int(match[1])
    return None


def request_in_message(message: discord.Message) -> ImageRequest:
    """The settings in a message that `cogs.actions.details.code_block` made."""
    block = next(
        part.content
        for part in _walk_components(message.components)
        if isinstance(part, discord.components.TextDisplay)
    )
    return parse_parameters(block.removeprefix("```\n").removesuffix("\n```"))


def fit_to_models(request: ImageRequest, models: Catalogue, default: Model) -> ImageRequest:
    """The request without an unknown model, and without values that its model doesn't support."""
    known = request.model is not None and request.model in models
    model = models[request.model] if known and request.model else default
    minimal = ImageRequest(prompt="anything", model=model.name)
    dropped: dict[str, Any] = {}
    for names in MODEL_SETTINGS:
        try:
            replace(minimal, **{name: getattr(request, name) for name in names}).resolve(model)
        except InvalidRequest:
            dropped |= dict.fromkeys(names)
    return replace(request, model=model.name if known else None, strength=None, **dropped)


def _walk_components(components: Iterable[Any]) -> Iterator[Any]:
    for part in components:
        yield part
        yield from _walk_components(getattr(part, "children", ()))
