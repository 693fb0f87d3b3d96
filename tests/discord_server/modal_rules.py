"""What Discord demands of a modal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .checks import Path, count, length, number
from .control_rules import SELECTS, check_options
from .errors import Json, Problem
from .messages import walk

TEXT_INPUT, LABEL, TEXT_DISPLAY = 4, 18, 10
FILE_UPLOAD, RADIO, CHECKBOX_GROUP, CHECKBOX = 19, 21, 22, 23
FIELDS = (TEXT_INPUT, *SELECTS, FILE_UPLOAD, RADIO, CHECKBOX_GROUP, CHECKBOX)


def check_modal(data: Any) -> Iterator[Problem]:
    """A title of 1 to 45 characters, a custom_id, 1 to 5 components."""
    path: Path = ("data",)
    if not isinstance(data, dict):
        yield Problem(path, "BASE_TYPE_REQUIRED", "This field is required")
        return
    yield from length((*path, "custom_id"), data.get("custom_id"), 1, 100, required=True)
    yield from length((*path, "title"), data.get("title"), 1, 45, required=True)
    parts = data.get("components")
    problems = list(count((*path, "components"), parts, 1, 5))
    yield from problems
    if problems:
        return
    assert isinstance(parts, list)
    for index, part in enumerate(parts):
        yield from _part((*path, "components", index), part)
    ids = [part["custom_id"] for part in walk(parts) if part.get("custom_id")]
    if len(set(ids)) < len(ids):
        text = "Component custom ids must be unique"
        yield Problem((*path, "components"), "COMPONENT_CUSTOM_ID_DUPLICATED", text)


def _part(path: Path, part: Json) -> Iterator[Problem]:
    kind = part.get("type")
    if kind == 1:
        fields = part.get("components") or []
        yield from count((*path, "components"), fields, 1, 1)
        for index, field in enumerate(fields):
            place = (*path, "components", index)
            yield from length((*place, "label"), field.get("label"), 1, 45, required=True)
            yield from _field(place, field, allowed=(TEXT_INPUT,))
    elif kind == LABEL:
        yield from length((*path, "label"), part.get("label"), 1, 45, required=True)
        yield from length((*path, "description"), part.get("description"), 1, 100)
        yield from _field((*path, "component"), part.get("component") or {}, allowed=FIELDS)
    elif kind == TEXT_DISPLAY:
        yield from length((*path, "content"), part.get("content"), 1, 4000, required=True)
    else:
        text = 'Value of field "type" must be one of (1, 10, 18).'
        yield Problem((*path, "type"), "UNION_TYPE_CHOICES", text)


def _field(path: Path, field: Json, *, allowed: tuple[int, ...]) -> Iterator[Problem]:
    kind = field.get("type")
    if kind not in allowed:
        text = f'Value of field "type" must be one of {allowed}.'
        yield Problem((*path, "type"), "UNION_TYPE_CHOICES", text)
        return
    yield from length((*path, "custom_id"), field.get("custom_id"), 1, 100, required=True)
    yield from length((*path, "placeholder"), field.get("placeholder"), 0, 150)
    if kind == TEXT_INPUT:
        yield from _text_input(path, field)
    elif kind == SELECTS[0]:
        yield from check_options(path, field)


def _text_input(path: Path, field: Json) -> Iterator[Problem]:
    yield from length((*path, "placeholder"), field.get("placeholder"), 0, 100)
    yield from length((*path, "value"), field.get("value"), 0, 4000)
    yield from number((*path, "style"), field.get("style"), 1, 2)
    low, high = field.get("min_length"), field.get("max_length")
    yield from number((*path, "min_length"), low, 0, 4000)
    yield from number((*path, "max_length"), high, 1, 4000)
    if isinstance(low, int) and isinstance(high, int) and low > high:
        text = "min_length is greater than max_length"
        yield Problem((*path, "min_length"), "TEXT_INPUT_BOUNDS_INVALID", text)
    prefilled = field.get("value")
    if prefilled and isinstance(high, int):
        yield from length((*path, "value"), prefilled, low or 0, high)
