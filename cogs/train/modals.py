"""Modals about trainings. Their custom IDs hold the number, so that they work after a restart."""

import re
from collections.abc import Sequence
from typing import Any

import discord
from discord import ui

from cogs.messages.text import shortened
from engine import MAX_PROMPT, CollectedPicture, Training
from speech import phrase, say

FORM = re.compile(
    r"atelier-training:(?P<kind>add|captions|paint):(?P<training_id>\d{1,18})"
    r"(?::(?P<page>\d{1,2}))?"
)

MODAL_TIMEOUT = 900.0
"""Seconds after which discord.py forgets a modal; its handler still handles it."""

MAX_UPLOADS = 10
"""Files in one field; Discord allows no more."""

PER_PAGE = 5
"""Captions in a modal; Discord allows no more fields."""

MAX_CAPTION = 1000
"""Characters of a caption that can be typed."""

PICTURE_LABEL = phrase("Picture {number}")


def add_modal(training: Training, own: Sequence[discord.SelectOption]) -> ui.Modal:
    """Asks for pictures: files, and some of those that the bot has painted.

    Args:
        training: The training.
        own: The finished pictures to choose from, if there are any.
    """
    modal = _modal(say("Add pictures"), f"add:{training.id}")
    upload: ui.FileUpload[Any] = ui.FileUpload(
        custom_id="files", required=False, min_values=0, max_values=MAX_UPLOADS
    )
    modal.add_item(
        ui.Label(
            text=say("Files"),
            description=say("Up to {most} PNG, JPEG or WebP files.", most=MAX_UPLOADS),
            component=upload,
        )
    )
    if own:
        menu: ui.Select[Any] = ui.Select(
            custom_id="own",
            options=list(own),
            required=False,
            min_values=0,
            max_values=len(own),
            placeholder=say("Choose some…"),
        )
        modal.add_item(
            ui.Label(
                text=say("Your favourites and your newest pictures"),
                component=menu,
            )
        )
    return modal


def captions_modal(training: Training, page: int, pictures: Sequence[CollectedPicture]) -> ui.Modal:
    """Asks for the captions of some pictures, which are on that page."""
    modal = _modal(say("Captions"), f"captions:{training.id}:{page}")
    for picture in pictures:
        field: ui.TextInput[Any] = ui.TextInput(
            custom_id=str(picture.number),
            style=discord.TextStyle.paragraph,
            default=picture.caption[:MAX_CAPTION],
            placeholder=shortened(training.trigger, 100),
            required=False,
            max_length=MAX_CAPTION,
        )
        modal.add_item(ui.Label(text=say(PICTURE_LABEL, number=picture.number), component=field))
    return modal


def paint_modal(training: Training) -> ui.Modal:
    """Asks what to paint with the LoRA."""
    modal = _modal(say("Paint with it"), f"paint:{training.id}")
    field: ui.TextInput[Any] = ui.TextInput(
        custom_id="prompt",
        style=discord.TextStyle.paragraph,
        default=training.trigger,
        max_length=MAX_PROMPT,
    )
    modal.add_item(ui.Label(text=say("Prompt"), component=field))
    return modal


def chosen_pictures(data: Any) -> list[str]:
    """What was chosen in the menu of `add_modal`, from the data of the submitted modal."""
    fields = (part["component"] for part in data["components"] if "component" in part)
    return [
        str(value)
        for field in fields
        if field["custom_id"] == "own"
        for value in field.get("values", ())
    ]


def _modal(title: str, target: str) -> ui.Modal:
    return ui.Modal(title=title, custom_id=f"atelier-training:{target}", timeout=MODAL_TIMEOUT)
