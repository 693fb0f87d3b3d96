"""The catalogues, as they have to be: what is said in the sources, and what commands are called."""

from __future__ import annotations

import re
from collections import defaultdict
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.pofile import read_po, write_po
from discord import Locale
from discord.app_commands import (
    Parameter,
    TranslationContextTypes,
    Translator,
    locale_str,
)

from cogs import Atelier
from cogs.translator import CHOICE, catalogue_context
from engine.models.catalogue import SKETCH
from engine.models.checkpoints import CHECKPOINTS

from .sources import ROOT, said

SPOKEN_IN = ("cli/web", "cogs", "engine", "speech")
"""Folders in whose files sentences are said."""

WIDTH = 100
"""Characters of a line in a catalogue."""

Key = tuple[str | None, tuple[str, ...]]
"""Context and templates of an entry."""


class Listener(Translator):
    """Hears what discord.py wants to have translated.

    Attributes:
        heard: By context and text the places where it stands, such as `/model use name`.
    """

    def __init__(self) -> None:
        self.heard: dict[tuple[str | None, str], set[str]] = defaultdict(set)

    async def translate(
        self, string: locale_str, locale: Locale, context: TranslationContextTypes
    ) -> str | None:
        """Nothing, but it is remembered. Names of choices such as `16:9` need no translation."""
        name, text = catalogue_context(context), str(string)
        if name != CHOICE or re.search(r"[A-Za-z]", text):
            self.heard[name, text].add(_place(context.data))
        return None


def _place(data: object) -> str:
    match data:
        case Parameter():
            return f"/{data.command.qualified_name} {data.name}"
        case _:
            return f"/{data.qualified_name}" if hasattr(data, "qualified_name") else "a choice"


async def template(bot: Atelier) -> Catalog:
    """Every entry that a catalogue needs: commands first, then sentences by their files."""
    listener = Listener()
    for command in bot.tree.get_commands():
        await command.get_translated_payload(bot.tree, listener)
    found = Catalog()
    names = [
        (min(places), context or "", text) for (context, text), places in listener.heard.items()
    ]
    for place, context, text in sorted(names):
        found.add(text, context=context or None, auto_comments=[place])
    for text in sorted(_known_texts()):
        found.add(text, locations=[("engine/models/checkpoints.py", 0)])
    files: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for sentence in said(*SPOKEN_IN):
        files[sentence.templates].add(sentence.file)
    for templates in sorted(files, key=lambda each: (min(files[each]), each)):
        places = [(file, 0) for file in sorted(files[templates])]
        found.add(templates if len(templates) > 1 else templates[0], locations=places)
    return found


def _known_texts() -> set[str]:
    """What is told of models that are known, and of their licences."""
    licences = {known.licence.note for known in CHECKPOINTS.values() if known.licence}
    return {SKETCH.description, *licences, *(each.description for each in CHECKPOINTS.values())}


def path_of(language: str) -> Path:
    """The file of a catalogue."""
    return ROOT / "speech" / f"{language}.po"


def read(language: str) -> Catalog:
    """The catalogue as it is."""
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language)


def update(language: str, wanted: Catalog) -> Catalog:
    """Bring a catalogue up to date: new entries are empty, those not said any more are gone."""
    catalogue = read(language)
    catalogue.update(wanted, no_fuzzy_matching=True)
    entries = BytesIO()
    write_po(
        entries,
        catalogue,
        width=WIDTH,
        omit_header=True,
        ignore_obsolete=True,
        include_lineno=False,
    )
    head = path_of(language).read_text(encoding="utf-8").partition("\n\n")[0].rstrip("\n")
    text = f"{head}\n\n{entries.getvalue().decode().strip()}\n"
    path_of(language).write_text(text, encoding="utf-8")
    return catalogue


def keys(catalogue: Catalog) -> set[Key]:
    """What identifies its entries."""
    return {(message.context, ids(message.id)) for message in catalogue if message.id}


def ids(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    """One text or several as a tuple."""
    return (text,) if isinstance(text, str) else tuple(text or ())
