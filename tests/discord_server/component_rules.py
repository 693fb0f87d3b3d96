"""What Discord demands of the components of a message, V1 (rows) and V2 (layouts)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .checks import Path, count, length, number
from .control_rules import SELECTS, check_button, check_select
from .errors import Json, Problem
from .messages import walk

ROW, BUTTON, SECTION, TEXT, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER = (
    *(1, 2, 9, 10, 11, 12, 13, 14),
    17,
)
TOP_V1 = (ROW,)
IN_CONTAINER = (ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR)
TOP_V2 = (*IN_CONTAINER, CONTAINER)


def check_components(components: Any, *, v2: bool, attachments: set[str]) -> Iterator[Problem]:
    """Everything wrong with the `components` of a message; `attachments`: names it has."""
    path: Path = ("components",)
    top = TOP_V2 if v2 else TOP_V1
    problems = list(count(path, components, 0, 40 if v2 else 5))
    if problems:
        yield from problems
        return
    shape = [*_children(path, components, top, attachments)]
    yield from shape
    if shape:
        return
    everything = list(walk(components))
    yield from _unique(everything, "custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED")
    yield from _unique(everything, "id", "COMPONENT_ID_DUPLICATED")
    if v2 and len(everything) > 40:
        text = f"A message may have 40 components in total, this one has {len(everything)}."
        yield Problem(path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", text)
    written = sum(len(part["content"]) for part in everything if part["type"] == TEXT)
    if written > 4000:
        text = f"Text displays may hold 4000 characters in total, these hold {written}."
        yield Problem(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", text)


def _unique(parts: list[Json], key: str, code: str) -> Iterator[Problem]:
    seen: set[Any] = set()
    for part in parts:
        value = part.get(key)
        if value is None:
            continue
        if value in seen:
            yield Problem(("components",), code, f"Component {key} {value!r} is not unique")
        seen.add(value)


def _children(
    path: Path, parts: list[Any], allowed: tuple[int, ...], attachments: set[str]
) -> Iterator[Problem]:
    for index, part in enumerate(parts):
        place = (*path, index)
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in allowed:
            text = f'Value of field "type" must be one of {allowed}.'
            yield Problem((*place, "type"), "UNION_TYPE_CHOICES", text)
        else:
            assert isinstance(kind, int)
            yield from RULES[kind](place, part, attachments)


def _row(path: Path, row: Json, attachments: set[str]) -> Iterator[Problem]:
    place = (*path, "components")
    parts = row.get("components")
    problems = list(count(place, parts, 1, 5))
    if problems:
        yield from problems
        return
    assert isinstance(parts, list)
    yield from _children(place, parts, (BUTTON, *SELECTS), attachments)
    if len(parts) > 1 and any(part.get("type") in SELECTS for part in parts):
        text = "A row holds either buttons or one select menu."
        yield Problem(place, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", text)


def _section(path: Path, section: Json, attachments: set[str]) -> Iterator[Problem]:
    parts = section.get("components")
    problems = list(count((*path, "components"), parts, 1, 3))
    if not problems:
        assert isinstance(parts, list)
        problems += _children((*path, "components"), parts, (TEXT,), attachments)
    yield from problems
    accessory = [section.get("accessory")]
    yield from _children((*path, "accessory"), accessory, (BUTTON, THUMBNAIL), attachments)


def _text(path: Path, text: Json, attachments: set[str]) -> Iterator[Problem]:
    yield from length((*path, "content"), text.get("content"), 1, 4000, required=True)


def _media(path: Path, media: Any, attachments: set[str]) -> Iterator[Problem]:
    url = media.get("url") if isinstance(media, dict) else None
    problems = list(length((*path, "url"), url, 1, 2048, required=True))
    if problems:
        yield from problems
        return
    scheme, _, name = str(url).partition("://")
    if scheme not in ("http", "https", "attachment"):
        text = f'Scheme "{scheme}" is not supported.'
        yield Problem((*path, "url"), "URL_TYPE_INVALID_SCHEME", text)
    elif scheme == "attachment" and name not in attachments:
        text = f"The referenced attachment {name!r} was not found."
        yield Problem((*path, "url"), "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND", text)


def _thumbnail(path: Path, thumbnail: Json, attachments: set[str]) -> Iterator[Problem]:
    yield from length((*path, "description"), thumbnail.get("description"), 1, 1024)
    yield from _media((*path, "media"), thumbnail.get("media"), attachments)


def _gallery(path: Path, gallery: Json, attachments: set[str]) -> Iterator[Problem]:
    items = gallery.get("items")
    problems = list(count((*path, "items"), items, 1, 10))
    if problems:
        yield from problems
        return
    assert isinstance(items, list)
    for index, item in enumerate(items):
        yield from _thumbnail((*path, "items", index), item, attachments)


def _file(path: Path, file: Json, attachments: set[str]) -> Iterator[Problem]:
    media = file.get("file") or {}
    if not str(media.get("url", "")).startswith("attachment://"):
        text = "Only attachments may be used in a file component."
        yield Problem((*path, "file", "url"), "FILE_COMPONENT_ATTACHMENT_REQUIRED", text)
    else:
        yield from _media((*path, "file"), media, attachments)


def _separator(path: Path, separator: Json, attachments: set[str]) -> Iterator[Problem]:
    yield from number((*path, "spacing"), separator.get("spacing"), 1, 2)


def _container(path: Path, container: Json, attachments: set[str]) -> Iterator[Problem]:
    parts = container.get("components")
    problems = list(count((*path, "components"), parts, 1, 40))
    if not problems:
        assert isinstance(parts, list)
        problems += _children((*path, "components"), parts, IN_CONTAINER, attachments)
    yield from problems
    yield from number((*path, "accent_color"), container.get("accent_color"), 0, 0xFFFFFF)


RULES: dict[int, Callable[[Path, Json, set[str]], Iterator[Problem]]] = {
    ROW: _row,
    BUTTON: check_button,
    **dict.fromkeys(SELECTS, check_select),
    SECTION: _section,
    TEXT: _text,
    THUMBNAIL: _thumbnail,
    GALLERY: _gallery,
    FILE: _file,
    SEPARATOR: _separator,
    CONTAINER: _container,
}
