"""Texts for people that are not said, and those that stay as they are."""

from __future__ import annotations

from collections.abc import Iterator

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
    ("cogs/actions/edit_menu.py", "Edit this picture"): "a command: Discord has its translation",
    (
        "cogs/actions/describe_menu.py",
        "Describe this picture",
    ): "a command: Discord has its translation",
    ("cogs/gallery/gallery.py", "its pictures are too large"): "for the log",
    ("cogs/models/pending_models.py", "pending model"): "for the log",
    (
        "cogs/requests/editing.py",
        "Combine these pictures into one.",
    ): "a prompt: models read English",
    ("cogs/requests/editing.py", "best quality, high quality"): "a prompt: models read English",
    (
        "cogs/requests/named_pictures.py",
        "in the style of picture {number}",
    ): "a prompt: models read English",
    (
        "cogs/requests/named_pictures.py",
        "with the subject of picture {number}",
    ): "a prompt: models read English",
    (
        "cogs/policy/server_settings.py",
        "A server's settings (%d characters) can't be read: members can't paint there",
    ): "for the log",
    (
        "cogs/stored_values.py",
        "A stored %s of %d characters can't be read and is left out",
    ): "for the log",
    ("cogs/outages.py", "Discord doesn't answer: %s"): "for the log",
    ("cogs/outages.py", " (%d more before)"): "for the log",
    ("cogs/about/presence.py", "{} · idle"): "seen by everyone, wherever they are",
    (
        "cogs/about/presence.py",
        "{} · painting {}, {} waiting",
    ): "seen by everyone, wherever they are",
    ("cogs/about/help.py", "train new"): "the name of a command",
    ("cogs/about/help.py", "model list"): "the name of a command",
    ("cogs/about/help.py", "style list"): "the name of a command",
    ("cogs/about/help.py", "me defaults"): "the name of a command",
    ("cogs/about/help.py", "```\n{} --ar 3:2\n```"): "what is typed",
    ("cogs/about/status.py", "Python {}"): "a name and a version",
    (
        "cogs/about/welcome.py",
        "a lighthouse at dusk, oil on canvas",
    ): "most models read only English",
    ("cogs/about/welcome.py", "a red house under two trees in the rain"): "the same",
    ("cogs/about/welcome.py", "a fox asleep in the snow, seen from above"): "the same",
}
"""Texts that look as if members read them, by their files, and why they stay as they are."""


def unsaid_texts() -> Iterator[Unsaid]:
    """Texts that look as if Discord showed them, and errors for people, that are not said."""
    yield from (text for path in sources("cogs") for text in unsaid(path))
    kinds = _errors()
    yield from (text for path in sources("cogs", "engine") for text in unsaid_errors(path, kinds))


def _errors() -> frozenset[str]:
    """The names of all errors whose text people read."""
    return frozenset(kind.__name__ for kind in (*_below(AtelierError), Refused))


def _below(kind: type[AtelierError]) -> Iterator[type[AtelierError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _below(each)
