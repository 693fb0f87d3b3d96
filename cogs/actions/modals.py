"""Modals about pictures, and reading their fields.

Their custom IDs hold the picture, so `ModalHandler` can handle them even after a restart.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import discord
from discord import ui

from cogs.markdown import escaped
from engine import MAX_PROMPT, ImageRequest, InvalidRequest, Parent, Recipe
from speech import phrase, say

MODAL_TIMEOUT = 900.0
"""Seconds after which discord.py forgets a modal; `ModalHandler` still handles it."""

MAX_NUMBER_LENGTH = 60
"""Characters that a field for a number takes."""

MAX_MORE_PICTURES = 3
"""Pictures that an edit can use besides the one it is for."""

STRENGTH = phrase("Strength (0.3 keeps most of it, 0.8 little)")

FORM = re.compile(
    r"atelier-form:(?P<kind>remix|start|fill|edit|upload|settings)"
    r"(?::(?P<job_id>\d{1,19}):(?P<number>\d{1,2})(?::(?P<parts>[1-9]{1,9}|mask))?"
    r"|:(?P<image>[0-9a-f]{32}\.png))?"
)


class ActionModal(ui.Modal):
    """A modal that `ModalHandler` handles."""

    def __init__(self, title: str, target: str) -> None:
        super().__init__(title=title, custom_id=f"atelier-form:{target}", timeout=MODAL_TIMEOUT)

    def add(
        self, key: str, label: str, value: str, *, required: bool = True, long: bool = False
    ) -> None:
        """Add a text field that contains `value`."""
        max_length = MAX_PROMPT if long else MAX_NUMBER_LENGTH
        field: ui.TextInput[Any] = ui.TextInput(
            custom_id=key,
            style=discord.TextStyle.paragraph if long else discord.TextStyle.short,
            default=value[:max_length],
            required=required,
            max_length=max_length,
        )
        self.add_item(ui.Label(text=label, component=field))


def remix_modal(picture: Parent, request: ImageRequest) -> ActionModal:
    """Asks for changes to the settings of a picture."""
    modal = ActionModal(say("Remix"), f"remix:{picture.job_id}:{picture.number}")
    _add_settings(modal, request)
    return modal


def settings_modal(request: ImageRequest) -> ActionModal:
    """Asks for changes to settings read from a picture; its message holds the others."""
    modal = ActionModal(say("Paint with these settings"), "settings")
    _add_settings(modal, replace(request, image=None))
    return modal


def init_image_modal(picture: Parent, prompt: str) -> ActionModal:
    """Asks what to paint from a picture of a job."""
    return _init_image_modal(f"start:{picture.job_id}:{picture.number}", prompt)


def inpaint_modal(picture: Parent, parts: str, recipe: Recipe) -> ActionModal:
    """Asks what to paint in some parts of a picture: `parts` are their numbers, or `mask`."""
    modal = ActionModal(say("Inpaint"), f"fill:{picture.job_id}:{picture.number}:{parts}")
    modal.add("prompt", say("Prompt (what to paint there)"), recipe.prompt, long=True)
    modal.add(
        "negative_prompt",
        say("Negative prompt"),
        recipe.negative_prompt,
        long=True,
        required=False,
    )
    modal.add("strength", say("Strength (1 repaints all, 0.5 keeps shapes)"), "1")
    if parts == "mask":
        upload: ui.FileUpload[Any] = ui.FileUpload(custom_id="mask", max_values=1)
        modal.add_item(
            ui.Label(
                text=say("Mask"),
                description=say("A picture of the same shape. White areas are repainted."),
                component=upload,
            )
        )
    return modal


def edit_modal(target: Parent | str) -> ActionModal:
    """Asks how to edit a picture of a job, or a stored upload by its name."""
    where = target if isinstance(target, str) else f"{target.job_id}:{target.number}"
    modal = ActionModal(say("Edit"), f"edit:{where}")
    modal.add("prompt", say("What to change"), "", long=True)
    upload: ui.FileUpload[Any] = ui.FileUpload(
        custom_id="pictures", required=False, min_values=0, max_values=MAX_MORE_PICTURES
    )
    modal.add_item(
        ui.Label(
            text=say("More pictures (optional)"),
            description=say("Say what to take from “picture 2” and so on; yours is picture 1."),
            component=upload,
        )
    )
    return modal


def upload_modal(image: str) -> ActionModal:
    """Asks what to paint from a stored upload, named `image`."""
    return _init_image_modal(f"upload:{image}", "")


def _init_image_modal(target: str, prompt: str) -> ActionModal:
    modal = ActionModal(say("Start from this picture"), target)
    modal.add("prompt", say("Prompt"), prompt, long=True)
    modal.add("negative_prompt", say("Negative prompt"), "", long=True, required=False)
    modal.add("strength", say(STRENGTH), "0.6")
    return modal


def _add_settings(modal: ActionModal, request: ImageRequest) -> None:
    """Add the fields. A modal has at most five: with a strength, steps and guidance share one."""
    modal.add("prompt", say("Prompt"), request.prompt, long=True)
    modal.add(
        "negative_prompt",
        say("Negative prompt"),
        request.negative_prompt,
        long=True,
        required=False,
    )
    steps, guidance = _formatted(request.num_inference_steps), _formatted(request.guidance_scale)
    if request.image is None:
        modal.add("steps", say("Steps"), steps, required=False)
        modal.add("guidance", say("Guidance"), guidance, required=False)
    else:
        both = " / ".join(part for part in (steps, guidance) if part)
        modal.add("steps_guidance", say("Steps / guidance"), both, required=False)
    modal.add(
        "seed", say("Seed (empty for a random one)"), _formatted(request.seed), required=False
    )
    if request.image is not None:
        modal.add("strength", say(STRENGTH), _formatted(request.strength))


def _formatted(value: float | None) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def apply_fields(request: ImageRequest, fields: Mapping[str, str]) -> ImageRequest:
    """The request with the entered values; empty number fields become `None`.

    Raises:
        InvalidRequest: When a number isn't valid.
    """
    fields = dict(fields)
    if "steps_guidance" in fields:
        steps, _, guidance = fields["steps_guidance"].partition("/")
        fields |= {"steps": steps.strip(), "guidance": guidance.strip()}
    changes: dict[str, Any] = {
        "prompt": fields["prompt"],
        "negative_prompt": fields["negative_prompt"],
    }
    if "steps" in fields:
        changes["num_inference_steps"] = _parse_int(say("steps"), fields["steps"])
        changes["guidance_scale"] = _parse_float(say("guidance"), fields["guidance"])
        changes["seed"] = _parse_int(say("seed"), fields["seed"])
    if "strength" in fields:
        changes["strength"] = _parse_float(say("strength"), fields["strength"])
    return replace(request, **changes)


def _parse_int(name: str, text: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"\d{1,10}", text):
        raise InvalidRequest(
            say(
                "“{text}” isn't a valid value for {name}. Enter a whole number, like 20.",
                name=name,
                text=escaped(text),
            )
        )
    return int(text)


def _parse_float(name: str, text: str) -> float | None:
    if not text:
        return None
    if not re.fullmatch(r"\d{1,4}([.,]\d{1,6})?", text):
        raise InvalidRequest(
            say(
                "“{text}” isn't a valid value for {name}. Enter a number, like 0.6.",
                name=name,
                text=escaped(text),
            )
        )
    return float(text.replace(",", "."))
