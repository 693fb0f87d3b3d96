"""What Discord demands of buttons and select menus."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from .checks import Path, count, length, number
from .errors import Json, Problem

LINK, PREMIUM = 5, 6
SELECTS = (3, 5, 6, 7, 8)


def check_button(path: Path, button: Json, attachments: set[str]) -> Iterator[Problem]:
    style = button.get("style")
    yield from number((*path, "style"), -1 if style is None else style, 1, 6)
    yield from length((*path, "label"), button.get("label"), 0, 80)
    if style == LINK:
        yield from length((*path, "url"), button.get("url"), 1, 512, required=True)
    elif style == PREMIUM:
        yield from length((*path, "sku_id"), button.get("sku_id"), 1, 20, required=True)
    else:
        yield from length((*path, "custom_id"), button.get("custom_id"), 1, 100, required=True)
    if style in (LINK, PREMIUM) and button.get("custom_id"):
        text = "A custom id and a url or sku cannot both be specified"
        yield Problem(path, "BUTTON_COMPONENT_CUSTOM_ID_URL_EXCLUSIVE", text)
    if style not in (LINK, PREMIUM) and button.get("url"):
        text = "Only a link button has a url"
        yield Problem((*path, "url"), "BUTTON_COMPONENT_INVALID_URL", text)
    if style != PREMIUM and not button.get("label") and not button.get("emoji"):
        text = "A button needs a label or an emoji."
        yield Problem(path, "BUTTON_COMPONENT_LABEL_REQUIRED", text)
    yield from _emoji((*path, "emoji"), button.get("emoji"))


def _emoji(path: Path, emoji: Any) -> Iterator[Problem]:
    """A custom emoji has an id; any other must look like one: no letters, not plain ASCII."""
    if emoji is None or emoji.get("id"):
        return
    name = str(emoji.get("name") or "")
    letters = any(unicodedata.category(each).startswith("L") for each in name)
    if not name or letters or (name.isascii()):
        yield Problem((*path, "name"), "BUTTON_COMPONENT_INVALID_EMOJI", "Invalid emoji")


def check_select(path: Path, select: Json, attachments: set[str]) -> Iterator[Problem]:
    yield from length((*path, "custom_id"), select.get("custom_id"), 1, 100, required=True)
    yield from length((*path, "placeholder"), select.get("placeholder"), 0, 150)
    yield from number((*path, "min_values"), select.get("min_values"), 0, 25)
    yield from number((*path, "max_values"), select.get("max_values"), 1, 25)
    if select["type"] == 3:
        yield from check_options(path, select)


def check_options(path: Path, select: Json) -> Iterator[Problem]:
    """The options of a string select: 1 to 25, lengths, unique values, bounds that fit them."""
    options = select.get("options")
    place = (*path, "options")
    problems = list(count(place, options, 1, 25))
    if problems:
        yield from problems
        return
    assert isinstance(options, list)
    for index, option in enumerate(options):
        yield from length((*place, index, "label"), option.get("label"), 1, 100, required=True)
        yield from length((*place, index, "value"), option.get("value"), 1, 100, required=True)
        yield from length((*place, index, "description"), option.get("description"), 1, 100)
        yield from _emoji((*place, index, "emoji"), option.get("emoji"))
    if len({option.get("value") for option in options}) < len(options):
        text = "The specified option value is already used"
        yield Problem(place, "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", text)
    most = select.get("max_values")
    if isinstance(most, int) and most > len(options):
        text = "Must not be greater than the number of options."
        yield Problem((*path, "max_values"), "BASE_TYPE_BAD_LENGTH", text)
    if sum(bool(option.get("default")) for option in options) > (most or 1):
        text = "More options are selected by default than may be."
        yield Problem(place, "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES", text)
