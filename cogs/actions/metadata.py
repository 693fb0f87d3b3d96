"""What a message tells of its pictures: our own job, the files, the settings inside them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import discord

from cogs.requests.attachments import KINDS
from engine import Catalogue, ImageRequest, InvalidRequest, Model, parse_parameters
from speech import say

OURS = re.compile(r"atelier(?:-picture)?:[a-z]+:(\d{1,19})(?::\d{1,2})?")
"""Custom ids of buttons that carry a job's number."""

OPTIONAL = (
    ("width", "height"),
    ("num_inference_steps",),
    ("guidance_scale",),
    ("scheduler",),
    ("seed",),
)
"""Settings that go together; those that a model cannot have are left to it."""


def pictures_in(message: discord.Message) -> list[discord.Attachment]:
    """The attachments that are pictures.

    Raises:
        InvalidRequest: When there are none.
    """
    found = [
        attachment
        for attachment in message.attachments
        if (attachment.content_type or "").partition(";")[0] in KINDS
    ]
    if not found:
        raise InvalidRequest(say("This message has no picture attached."))
    return found


def job_of(message: discord.Message, bot: discord.ClientUser | None) -> int | None:
    """The job that a message of the bot's own is about: its buttons carry the number."""
    if bot is None or message.author.id != bot.id:
        return None
    for part in _walk(message.components):
        if match := OURS.fullmatch(getattr(part, "custom_id", None) or ""):
            return int(match[1])
    return None


def request_in_message(message: discord.Message) -> ImageRequest:
    """The settings in the block of text that `cogs.actions.details.fenced` made."""
    shown = next(
        part.content
        for part in _walk(message.components)
        if isinstance(part, discord.components.TextDisplay)
    )
    return parse_parameters(shown.removeprefix("```\n").removesuffix("\n```"))


def fit_to_models(request: ImageRequest, models: Catalogue, default: Model) -> ImageRequest:
    """The request with what can be painted here: a model that there is, values that it takes."""
    known = request.model is not None and request.model in models
    model = models[request.model] if known and request.model else default
    bare = ImageRequest(prompt="anything", model=model.name)
    lost: dict[str, Any] = {}
    for names in OPTIONAL:
        try:
            replace(bare, **{name: getattr(request, name) for name in names}).resolve(model)
        except InvalidRequest:
            lost |= dict.fromkeys(names)
    return replace(request, model=model.name if known else None, strength=None, **lost)


def _walk(components: Iterable[Any]) -> Iterator[Any]:
    for part in components:
        yield part
        yield from _walk(getattr(part, "children", ()))
