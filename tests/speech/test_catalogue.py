"""The catalogues hold everything that is said, and what they say of it can be used."""

from __future__ import annotations

import re
from collections import Counter
from string import Formatter
from typing import Any

import pytest
from babel.messages import Catalog
from babel.messages.catalog import Message

from cogs.translator import CommandTranslator
from speech import LANGUAGES, say, translation, use_language
from tests.discord_server.command_rules import check_commands
from tests.offline_bot import offline_bot

from .catalogue import ids, read

TRANSLATED = [language for language in LANGUAGES if language != "en"]

COUNTED = re.compile(
    r"(?<!×)\{(\w+)\}\*{0,2} (?:\w+ )?(?:bytes|cells|characters|days|dimensions|files|grids|hours"
    r"|jobs|LoRAs|members|messages|minutes|models|people|pictures|pixels|prompts|results|roles"
    r"|seconds|steps|times|values|words)\b"
)
"""A number before what it counts."""

ALWAYS_SEVERAL = frozenset(
    {"{least} pixels", "{least} steps", "{most} pixels", "{height} pixels", "{mask_height} pixels"}
    | {"{most} million pixels", "{most} times", "{most} values", "{most} pictures"}
    | {"{most} messages", "{most} roles", "{most} words", "{most} characters"}
    | {"{length} characters", "{many} prompts", "{count} prompts"}
    | {"{steps} steps", "{side} pixels", "{times} times"}
    | {"{count} dimensions", "{count} files", "{count} LoRAs"}
    | {"{promised} weight files", "{expected} bytes"}
)
"""Limits above one, and numbers beyond such a limit."""

NOT_NUMBERS = frozenset({"family", "families", "endings", "other", "kind", "label"})

SHORT = (45, 80, 100, 150)
"""Characters that titles, labels, descriptions and placeholders may have in Discord."""

MARKS = re.compile(r"\*\*|`|^-# |^#+ |^[•-] |<t:|:R>|</|--[a-z]+", re.MULTILINE)
"""Markdown, timestamps and flags."""


@pytest.fixture(params=TRANSLATED)
def known(request: pytest.FixtureRequest) -> Catalog:
    """Each catalogue."""
    return read(request.param)


def translated(known: Catalog) -> list[Message]:
    """The entries that have a translation."""
    return [message for message in known if message.id and any(message.string or "")]


def pairs(known: Catalog) -> list[tuple[str, str]]:
    """Each text in English with each of its translations; what is counted, in its last form."""
    return [(ids(m.id)[-1], text) for m in translated(known) for text in ids(m.string)]


def test_nothing_is_guessed(known: Catalog) -> None:
    assert not [message.id for message in known if message.fuzzy and message.id]


def test_a_translation_is_filled_by_the_same_values(known: Catalog) -> None:
    assert not [pair for pair in pairs(known) if fields(pair[0]) != fields(pair[1])]


def fields(text: str) -> set[tuple[str | None, str | None, str | None]]:
    """The placeholders in a template, with how each is formatted."""
    try:
        return {part[1:] for part in Formatter().parse(text) if part[1] is not None}
    except ValueError:  # the description of a command, in which braces are only braces
        return {(text, None, None)}


def test_a_translation_keeps_markdown_timestamps_and_flags(known: Catalog) -> None:
    kept = [(Counter(MARKS.findall(a)), Counter(MARKS.findall(b)), b) for a, b in pairs(known)]
    assert not [(before, after, text) for before, after, text in kept if before != after]


def test_what_may_be_one_is_counted_by_say_many(known: Catalog) -> None:
    wrong = [
        match.group()
        for message in known
        if message.id
        for text in ids(message.id)
        for match in COUNTED.finditer(text)
        if not (match[1] == "number" and len(ids(message.id)) > 1)
        if match[1] not in NOT_NUMBERS and match.group() not in ALWAYS_SEVERAL
    ]
    assert not wrong


async def test_a_translation_names_the_same_commands(known: Catalog) -> None:
    async with offline_bot() as bot:
        names = {f"/{command.qualified_name}" for command in bot.tree.walk_commands()}
    named = [
        ({name for name in names if name in text} for text in (before, after))
        for before, after in pairs(known)
    ]
    assert not [(before, after) for before, after in named if before != after]


def test_what_has_to_be_short_stays_short(known: Catalog) -> None:
    """Texts that fit a title, a label or a placeholder in English fit it translated."""
    long = [(a, b) for a, b in pairs(known) for most in SHORT if len(a) <= most < len(b)]
    assert not long


async def test_discord_takes_the_commands_in_all_languages() -> None:
    async with offline_bot() as bot:
        names = CommandTranslator()
        commands = bot.tree.get_commands()
        told: list[Any] = [await each.get_translated_payload(bot.tree, names) for each in commands]
    assert not list(check_commands(told))
    for language in TRANSLATED:
        assert_told_apart(told, language.replace("_", "-"))


def assert_told_apart(parts: list[Any], locale: str) -> None:
    """No two commands, options or choices side by side have the same name there."""
    names = [
        (part.get("name_localizations") or {}).get(locale, part["name"]) + str(part.get("type"))
        for part in parts
    ]
    assert len(set(names)) == len(names), sorted(names)
    for part in parts:
        for below in ("options", "choices"):
            assert_told_apart(part.get(below) or [], locale)


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_program_finds_what_the_file_has(language: str) -> None:
    for message in translated(read(language)):
        if isinstance(message.id, str):
            found = translation(message.id, language, message.context)
            assert found == message.string or message.id == message.string
    with use_language(language):
        assert say("{error}", error="It broke.") == "It broke."


@pytest.mark.parametrize("text", ["", "My own model"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_no_catalogue_has_is_not_translated(text: str, language: str) -> None:
    assert translation(text, language) is None
