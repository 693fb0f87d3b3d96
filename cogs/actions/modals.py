"""Modals about pictures, and what is typed into them. What they are about is in their custom_id:
`FormDesk` takes them in even when the program was restarted while somebody typed."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import discord
from discord import ui

from engine import MAX_PROMPT, ImageRequest, InvalidRequest, Parent, Recipe
from speech import phrase, say

PATIENCE = 900.0
"""Seconds for which discord.py remembers a modal; nothing depends on it."""

MOST_DIGITS = 60
"""Characters in a field for numbers."""

STRENGTH = phrase("Strength (0.3 keeps most of it, 0.8 little)")

FORM = re.compile(
    r"atelier-form:(?P<kind>remix|start|fill|upload|settings)"
    r"(?::(?P<job_id>\d{1,19}):(?P<number>\d{1,2})(?::(?P<parts>[1-9]{1,9}|mask))?"
    r"|:(?P<image>[0-9a-f]{32}\.png))?"
)


class ActionModal(ui.Modal):
    """A modal whose submit is taken in by `FormDesk`."""

    def __init__(self, title: str, what: str) -> None:
        super().__init__(title=title, custom_id=f"atelier-form:{what}", timeout=PATIENCE)

    def add(
        self, key: str, label: str, value: str, *, required: bool = True, long: bool = False
    ) -> None:
        """A field for text, filled in with `value`."""
        most = MAX_PROMPT if long else MOST_DIGITS
        field: ui.TextInput[Any] = ui.TextInput(
            custom_id=key,
            style=discord.TextStyle.paragraph if long else discord.TextStyle.short,
            default=value[:most],
            required=required,
            max_length=most,
        )
        self.add_item(ui.Label(text=label, component=field))


def remix_modal(picture: Parent, request: ImageRequest) -> ActionModal:
    """The settings of a picture, to be changed."""
    form = ActionModal(say("Remix"), f"remix:{picture.job_id}:{picture.number}")
    _add_settings(form, request)
    return form


def settings_modal(request: ImageRequest) -> ActionModal:
    """Settings that were read from a picture, to be changed; the message below has the rest."""
    form = ActionModal(say("Paint with these settings"), "settings")
    _add_settings(form, replace(request, image=None))
    return form


def init_image_modal(picture: Parent, prompt: str) -> ActionModal:
    """What to make of one of our pictures."""
    return _starting(f"start:{picture.job_id}:{picture.number}", prompt)


def fill_modal(picture: Parent, parts: str, recipe: Recipe) -> ActionModal:
    """What to paint in some parts of a picture: `parts` are their numbers, or `mask`."""
    form = ActionModal(say("Inpaint"), f"fill:{picture.job_id}:{picture.number}:{parts}")
    form.add("prompt", say("Prompt (what to paint there)"), recipe.prompt, long=True)
    form.add(
        "negative_prompt",
        say("Negative prompt"),
        recipe.negative_prompt,
        long=True,
        required=False,
    )
    form.add("strength", say("Strength (1 repaints all, 0.5 keeps shapes)"), "1")
    if parts == "mask":
        upload: ui.FileUpload[Any] = ui.FileUpload(custom_id="mask", max_values=1)
        form.add_item(
            ui.Label(
                text=say("Mask"),
                description=say("A picture of the same shape. White areas are repainted."),
                component=upload,
            )
        )
    return form


def upload_modal(image: str) -> ActionModal:
    """What to make of a kept upload, named `image`."""
    return _starting(f"upload:{image}", "")


def _starting(what: str, prompt: str) -> ActionModal:
    form = ActionModal(say("Start from this picture"), what)
    form.add("prompt", say("Prompt"), prompt, long=True)
    form.add("negative_prompt", say("Negative prompt"), "", long=True, required=False)
    form.add("strength", say(STRENGTH), "0.6")
    return form


def _add_settings(form: ActionModal, request: ImageRequest) -> None:
    """A modal holds five fields: with a strength, steps and guidance share one."""
    form.add("prompt", say("Prompt"), request.prompt, long=True)
    form.add(
        "negative_prompt",
        say("Negative prompt"),
        request.negative_prompt,
        long=True,
        required=False,
    )
    steps, guidance = _shown(request.num_inference_steps), _shown(request.guidance_scale)
    if request.image is None:
        form.add("steps", say("Steps"), steps, required=False)
        form.add("guidance", say("Guidance"), guidance, required=False)
    else:
        both = " / ".join(part for part in (steps, guidance) if part)
        form.add("steps_guidance", say("Steps / guidance"), both, required=False)
    form.add("seed", say("Seed (empty for a random one)"), _shown(request.seed), required=False)
    if request.image is not None:
        form.add("strength", say(STRENGTH), _shown(request.strength))


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def apply_fields(request: ImageRequest, fields: Mapping[str, str]) -> ImageRequest:
    """The request with what was typed; numbers that were emptied are left open.

    Raises:
        InvalidRequest: When something is no number.
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
        changes["num_inference_steps"] = _whole(say("steps"), fields["steps"])
        changes["guidance_scale"] = _number(say("guidance"), fields["guidance"])
        changes["seed"] = _whole(say("seed"), fields["seed"])
    if "strength" in fields:
        changes["strength"] = _number(say("strength"), fields["strength"])
    return replace(request, **changes)


def _whole(name: str, text: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"\d{1,10}", text):
        raise InvalidRequest(
            say(
                "“{text}” isn't a valid value for {name}. Enter a whole number, like 20.",
                name=name,
                text=_plain(text),
            )
        )
    return int(text)


def _number(name: str, text: str) -> float | None:
    if not text:
        return None
    if not re.fullmatch(r"\d{1,4}([.,]\d{1,6})?", text):
        raise InvalidRequest(
            say(
                "“{text}” isn't a valid value for {name}. Enter a number, like 0.6.",
                name=name,
                text=_plain(text),
            )
        )
    return float(text.replace(",", "."))


def _plain(text: str) -> str:
    return discord.utils.escape_markdown(text)
