"""What a message reveals about its pictures: the bot's job, the files, their settings."""

import re
from dataclasses import replace
from typing import Any

import discord

from cogs.messages.shown_job import walk_components
from cogs.requests.attachments import CONTENT_TYPES
from engine import Catalogue, ImageRequest, InvalidRequest, Model, parse_parameters
from speech import join_list, phrase, say

MODEL_SETTINGS = {
    ("width", "height"): phrase("size"),
    ("num_inference_steps",): phrase("steps"),
    ("guidance_scale",): phrase("guidance"),
    ("scheduler",): phrase("scheduler"),
    ("seed",): phrase("seed"),
}
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


def request_in_message(message: discord.Message) -> ImageRequest:
    """The settings in a message that `cogs.actions.details.code_block` made."""
    block = next(
        part.content
        for part in walk_components(message.components)
        if isinstance(part, discord.components.TextDisplay)
    )
    return parse_parameters(block.removeprefix("```\n").removesuffix("\n```"))


def fit_to_models(request: ImageRequest, models: Catalogue, default: Model) -> ImageRequest:
    """The request without what its model doesn't support; `default` is used for an unknown one."""
    model = _known_model(request, models) or default
    minimal = ImageRequest(prompt="anything", model=model.name)
    dropped: dict[str, Any] = {}
    for names in MODEL_SETTINGS:
        try:
            replace(minimal, **{name: getattr(request, name) for name in names}).resolve(model)
        except InvalidRequest:
            dropped |= dict.fromkeys(names)
    return replace(request, model=model.name, strength=None, **dropped)


def unused_in(request: ImageRequest, fitted: ImageRequest, models: Catalogue) -> list[str]:
    """Sentences about what `fit_to_models` left out of the request."""
    notes: list[str] = []
    if request.model and _known_model(request, models) is None:
        notes.append(
            say(
                "There's no model “{name}” here; {model} is used.",
                name=request.model,
                model=fitted.model,
            )
        )
    dropped = [
        say(label)
        for names, label in MODEL_SETTINGS.items()
        if any(getattr(request, name) != getattr(fitted, name) for name in names)
        and "seed" not in names  # the engine says so itself
    ]
    if dropped:
        notes.append(
            say(
                "Not possible with {model}, so its defaults are used: {names}.",
                model=fitted.model,
                names=join_list(dropped),
            )
        )
    return notes


def _known_model(request: ImageRequest, models: Catalogue) -> Model | None:
    """The model that a picture names: by its name here, or by the name of its file."""
    if request.model is None:
        return None
    if request.model in models:
        return models[request.model]
    wanted = request.model.lower()
    for model in models:
        files = (model.source, model.denoiser or "")
        stems = {re.split(r"[/\\]", file)[-1].rpartition(".")[0].lower() for file in files}
        if wanted == model.name.lower() or wanted in stems:
            return model
    return None
