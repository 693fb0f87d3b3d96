"""What Discord demands of application commands when the bot registers them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from .checks import Path, count, length, number
from .errors import Json, Problem

SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN = 1, 2, 3, 4, 5
USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = 6, 7, 8, 9, 10, 11
SAFE = 2**53
MAX_SIZE = 8000
LOCALES = frozenset(
    [
        "ar",
        "bg",
        "cs",
        "da",
        "de",
        "el",
        "en-GB",
        "en-US",
        "es-419",
        "es-ES",
        "fi",
        "fr",
        "he",
        "hi",
        "hr",
        "hu",
        "id",
        "it",
        "ja",
        "ko",
        "lt",
        "nl",
        "no",
        "pl",
        "pt-BR",
        "ro",
        "ru",
        "sv-SE",
        "th",
        "tr",
        "uk",
        "vi",
        "zh-CN",
        "zh-TW",
    ]
)


def check_commands(commands: Any) -> Iterator[Problem]:
    """A bulk overwrite: at most 100 chat commands and 15 of each menu, unique by name and type."""
    if not isinstance(commands, list):
        yield from count((), commands, 0, 130)
        return
    seen: set[tuple[int, str]] = set()
    for index, command in enumerate(commands):
        yield from check_command((index,), command)
        key = (command.get("type") or 1, str(command.get("name")))
        if key in seen:
            text = "Application command names must be unique"
            yield Problem((index,), "APPLICATION_COMMANDS_DUPLICATE_NAME", text)
        seen.add(key)
    for kind, most in ((1, 100), (2, 15), (3, 15)):
        if sum(each == kind for each, _ in seen) > most:
            text = f"Maximum number of application commands of type {kind} reached ({most})."
            yield Problem((), "APPLICATION_COMMANDS_MAX", text)


def check_command(path: Path, command: Json) -> Iterator[Problem]:
    """One command: its names and texts, its options, where it may be used."""
    kind = command.get("type") or 1
    yield from number((*path, "type"), kind, 1, 4)
    if kind == 1:
        yield from _name(path, command)
        yield from _description(path, command)
    else:
        yield from length((*path, "name"), command.get("name"), 1, 32, required=True)
        yield from _locales(path, "name", command)
        for locale, text in (command.get("name_localizations") or {}).items():
            yield from length((*path, "name_localizations", locale), text, 1, 32)
        if command.get("description"):
            text = "Context menu commands cannot have description"
            code = "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_NOT_ALLOWED"
            yield Problem((*path, "description"), code, text)
    yield from _options(path, command.get("options") or [], depth=0)
    if (size := _size(command)) > MAX_SIZE:
        text = f"Command exceeds maximum size ({size} > {MAX_SIZE})"
        yield Problem(path, "APPLICATION_COMMAND_TOO_LARGE", text)
    for key, high in (("contexts", 2), ("integration_types", 1)):
        for index, value in enumerate(command.get(key) or []):
            yield from number((*path, key, index), value, 0, high)


def _size(part: Json) -> int:
    """Characters in names, descriptions and choice values, each in its longest language."""
    size = 0
    for key in ("name", "description"):
        texts = [part.get(key) or "", *(part.get(f"{key}_localizations") or {}).values()]
        size += max(len(str(text)) for text in texts)
    if "value" in part:
        size += len(str(part["value"]))
    below = [*(part.get("options") or []), *(part.get("choices") or [])]
    return size + sum(_size(each) for each in below)


def _name(path: Path, holder: Json) -> Iterator[Problem]:
    """`^[-_'\\p{L}\\p{N}]{1,32}$`, lower case, in every language."""
    names = {("name",): holder.get("name")}
    yield from _locales(path, "name", holder)
    for locale, text in (holder.get("name_localizations") or {}).items():
        names["name_localizations", locale] = text  # type: ignore[index]
    for where, name in names.items():
        place = (*path, *where)
        problems = list(length(place, name, 1, 32, required=True))
        yield from problems
        if not problems and not _well_named(str(name)):
            yield Problem(
                place, "APPLICATION_COMMAND_INVALID_NAME", f"Command name {name!r} is invalid"
            )


def _well_named(name: str) -> bool:
    kinds = all(each in "-_'" or unicodedata.category(each)[0] in "LNM" for each in name)
    return kinds and name == name.lower()


def _locales(path: Path, key: str, holder: Json) -> Iterator[Problem]:
    field = f"{key}_localizations"
    for locale in holder.get(field) or {}:
        if locale not in LOCALES:
            yield Problem((*path, field, locale), "BASE_TYPE_CHOICES", f"Unknown locale {locale}")


def _description(path: Path, holder: Json) -> Iterator[Problem]:
    yield from _locales(path, "description", holder)
    yield from length((*path, "description"), holder.get("description"), 1, 100, required=True)
    for locale, text in (holder.get("description_localizations") or {}).items():
        yield from length((*path, "description_localizations", locale), text, 1, 100)


def _options(path: Path, options: list[Json], *, depth: int) -> Iterator[Problem]:
    place = (*path, "options")
    yield from count(place, options, 0, 25)
    optional = False
    names: set[Any] = set()
    nested = [option for option in options if option.get("type") in (SUBCOMMAND, GROUP)]
    if nested and len(nested) < len(options):
        text = "Sub-command and sub-command group option types are mutually exclusive to others"
        yield Problem(place, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", text)
    for index, option in enumerate(options):
        spot = (*place, index)
        kind = option.get("type")
        yield from number((*spot, "type"), kind, SUBCOMMAND, ATTACHMENT)
        yield from _name(spot, option)
        yield from _description(spot, option)
        if option.get("name") in names:
            text = "Option name is already used"
            yield Problem((*spot, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATED", text)
        names.add(option.get("name"))
        if kind in (SUBCOMMAND, GROUP):
            if depth + (kind == SUBCOMMAND) > 2 or (kind == GROUP and depth > 0):
                text = "Commands nest two levels deep at most"
                yield Problem(spot, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", text)
            yield from _options(spot, option.get("options") or [], depth=depth + 1)
            continue
        if option.get("required") and optional:
            text = "Required options must be placed before non-required options"
            yield Problem(spot, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", text)
        optional = optional or not option.get("required")
        yield from _value_rules(spot, option)


def _value_rules(path: Path, option: Json) -> Iterator[Problem]:
    """Choices, autocomplete and bounds, each only where the type has them."""
    kind = option.get("type")
    choices = option.get("choices") or []
    if (choices or option.get("autocomplete")) and kind not in (STRING, INTEGER, NUMBER):
        text = "Choices and autocomplete belong to strings, integers and numbers"
        yield Problem(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", text)
    if choices and option.get("autocomplete"):
        text = "Choices and autocomplete are mutually exclusive"
        yield Problem(path, "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", text)
    yield from check_choices((*path, "choices"), choices, kind)
    for key in ("min_value", "max_value"):
        if option.get(key) is not None and kind not in (INTEGER, NUMBER):
            yield Problem((*path, key), "BASE_TYPE_BAD_TYPE", f"{key} belongs to numbers")
    for key, low in (("min_length", 0), ("max_length", 1)):
        if option.get(key) is not None and kind != STRING:
            yield Problem((*path, key), "BASE_TYPE_BAD_TYPE", f"{key} belongs to strings")
        yield from number((*path, key), option.get(key), low, 6000)


def check_choices(path: Path, choices: Any, kind: Any) -> Iterator[Problem]:
    """At most 25 choices, names of 1 to 100 characters, values of the option's type."""
    problems = list(count(path, choices, 0, 25))
    yield from problems
    if problems:
        return
    for index, choice in enumerate(choices):
        place = (*path, index)
        value = choice.get("value")
        yield from length((*place, "name"), choice.get("name"), 1, 100, required=True)
        for locale, text in (choice.get("name_localizations") or {}).items():
            yield from length((*place, "name_localizations", locale), text, 1, 100)
        if kind == STRING:
            yield from length((*place, "value"), value, 1, 100, required=True)
        elif kind == INTEGER:
            yield from number((*place, "value"), value, -SAFE, SAFE)
        elif kind == NUMBER and not isinstance(value, int | float):
            text = f'Value "{value}" is not float.'
            yield Problem((*place, "value"), "NUMBER_TYPE_COERCE", text)
    names = [choice.get("name") for choice in choices]
    if len(set(names)) < len(names):
        text = "Choice names must be unique"
        yield Problem(path, "APPLICATION_COMMAND_OPTIONS_CHOICES_DUPLICATED", text)
