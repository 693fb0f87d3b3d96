"""What Discord demands of a message besides its components: text, embeds, mentions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .checks import Path, count, length
from .errors import Json, Problem

EMBED_TEXT_LIMIT = 6000
LEGACY = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"


def check_content(content: Any) -> Iterator[Problem]:
    """At most 2000 characters."""
    yield from length(("content",), content, 0, 2000)


def check_embeds(embeds: Any) -> Iterator[Problem]:
    """At most 10 embeds, each field within its limit, 6000 characters in all of them."""
    path: Path = ("embeds",)
    problems = list(count(path, embeds, 0, 10))
    yield from problems
    if problems:
        return
    for index, embed in enumerate(embeds):
        yield from _check_embed((*path, index), embed)
    total = sum(_written(embed) for embed in embeds)
    if total > EMBED_TEXT_LIMIT:
        text = f"Embeds size exceeds maximum size of {EMBED_TEXT_LIMIT}"
        yield Problem(path, "MAX_EMBED_SIZE_EXCEEDED", text)


def _check_embed(path: Path, embed: Json) -> Iterator[Problem]:
    fields = embed.get("fields") or []
    footer, author = embed.get("footer") or {}, embed.get("author") or {}
    yield from length((*path, "title"), embed.get("title"), 0, 256)
    yield from length((*path, "description"), embed.get("description"), 0, 4096)
    yield from length((*path, "footer", "text"), footer.get("text"), 0, 2048)
    yield from length((*path, "author", "name"), author.get("name"), 0, 256)
    yield from count((*path, "fields"), fields, 0, 25)
    for index, field in enumerate(fields):
        place = (*path, "fields", index)
        yield from length((*place, "name"), field.get("name"), 1, 256, required=True)
        yield from length((*place, "value"), field.get("value"), 1, 1024, required=True)
    drawn = any(embed.get(key) for key in ("image", "thumbnail", "footer", "author", "fields"))
    if not drawn and not embed.get("title") and not embed.get("description"):
        yield Problem((*path, "description"), "BASE_TYPE_REQUIRED", "This field is required")


def _written(embed: Json) -> int:
    texts = [embed.get("title"), embed.get("description")]
    texts += [(embed.get("footer") or {}).get("text"), (embed.get("author") or {}).get("name")]
    for field in embed.get("fields") or []:
        texts += [field.get("name"), field.get("value")]
    return sum(len(text) for text in texts if text)


def check_mentions(allowed: Any) -> Iterator[Problem]:
    """`allowed_mentions`: known kinds, at most 100 ids, not a kind and its ids at once."""
    if allowed is None:
        return
    path: Path = ("allowed_mentions",)
    kinds = allowed.get("parse") or []
    for index, kind in enumerate(kinds):
        if kind not in ("users", "roles", "everyone"):
            text = "Value must be one of ('everyone', 'roles', 'users')."
            yield Problem((*path, "parse", index), "BASE_TYPE_CHOICES", text)
    for kind in ("users", "roles"):
        ids = allowed.get(kind) or []
        yield from count((*path, kind), ids, 0, 100)
        if ids and kind in kinds:
            text = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
            yield Problem(path, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", text)


def check_no_legacy(content: Any, embeds: Any) -> Iterator[Problem]:
    """A message of components V2 has neither content nor embeds."""
    for name, value in (("content", content), ("embeds", embeds)):
        if value:
            text = "The 'content' and 'embeds' fields cannot be used with components V2."
            yield Problem((name,), LEGACY, text)
