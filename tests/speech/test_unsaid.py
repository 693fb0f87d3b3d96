"""Nothing is said to people without `say`: else nobody could translate it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cogs.policy.access import Refused
from engine import AtelierError

from .sources import Unsaid, sources, unsaid, unsaid_errors

ALLOWED = {
    ("cogs/__init__.py", "Atelier"): "the name of a class",
    ("cogs/grids/axis_kinds.py", "random, random, random"): "what is typed",
    ("cogs/grids/axis_kinds.py", "red, blue, green"): "what is typed",
    (
        "cogs/actions/context_menus.py",
        "Use these settings",
    ): "a command: Discord has its translation",
    (
        "cogs/actions/context_menus.py",
        "Use as start image",
    ): "a command: Discord has its translation",
    ("cogs/actions/context_menus.py", "Picture details"): "a command: Discord has its translation",
    ("cogs/gallery/gallery.py", "its pictures are too large"): "for the log",
    ("cogs/about/presence.py", "{} · idle"): "seen by everyone, wherever they are",
    (
        "cogs/about/presence.py",
        "{} · painting {}, {} waiting",
    ): "seen by everyone, wherever they are",
    ("cogs/about/status.py", "Python {}"): "a name and a version",
    (
        "cogs/about/welcome.py",
        "a lighthouse at dusk, oil on canvas",
    ): "most models read only English",
    ("cogs/about/welcome.py", "a red house under two trees in the rain"): "the same",
    ("cogs/about/welcome.py", "a fox asleep in the snow, seen from above"): "the same",
}
"""Texts that look as if members read them, by their files, and why they stay as they are."""


def found_in_cogs() -> list[Unsaid]:
    """What Discord would show without its being said."""
    return [text for path in sources("cogs") for text in unsaid(path)]


def errors() -> frozenset[str]:
    """The names of all errors whose text people read."""
    return frozenset(kind.__name__ for kind in (*_below(AtelierError), Refused))


def _below(kind: type[AtelierError]) -> Iterator[type[AtelierError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _below(each)


def test_what_discord_shows_is_said() -> None:
    assert not [text for text in found_in_cogs() if (text.file, text.text) not in ALLOWED]


def test_errors_are_raised_with_what_is_said() -> None:
    kinds = errors()
    assert not [text for path in sources("cogs", "engine") for text in unsaid_errors(path, kinds)]


def test_nothing_is_allowed_that_is_not_there() -> None:
    assert {(text.file, text.text) for text in found_in_cogs()} >= ALLOWED.keys()


def test_it_sees_what_is_not_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.speech.sources.ROOT", tmp_path)
    path = tmp_path / "cog.py"
    path.write_text(SOURCE, encoding="utf-8")
    assert [text.text for text in unsaid(path)] == SEEN
    assert [text.text for text in unsaid_errors(path, frozenset({"Refused"}))] == ["No."]


SEEN = ["Cancel", "No.", "Job {} is done.", "a picture", "ok"]

SOURCE = '''
"""What it is about."""
VERBS = {"cancel it": "Cancel", "again": phrase("Again")}

@app_commands.describe(name="Which one")
async def use(interaction, name):
    """Use it"""
    log.info("Used by %s", name)
    if name == "not this one":
        raise Refused("No.")
    text = f"Job {name} is done."
    await reply(interaction, say("{what} of {name}", what="a picture", name=name))
    view.add_item(ui.Button(label="ok", custom_id="atelier:ok"))
'''
