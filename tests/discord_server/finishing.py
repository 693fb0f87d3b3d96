"""What Discord makes of a message: numbered components, defaults, links into the CDN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .component_rules import CONTAINER, FILE, SEPARATOR, THUMBNAIL
from .control_rules import SELECTS
from .errors import Json
from .messages import Message, walk

if TYPE_CHECKING:
    from .world import World

ITEM_DEFAULTS: Json = {"description": None, "spoiler": False}
DEFAULTS: dict[int, Json] = {
    CONTAINER: {"accent_color": None, "spoiler": False},
    SEPARATOR: {"spacing": 1, "divider": True},
    THUMBNAIL: ITEM_DEFAULTS,
    FILE: {"spoiler": False},
    **{kind: {"min_values": 1, "max_values": 1} for kind in SELECTS},
}


def finish(world: World, message: Message) -> None:
    """Give every component an id and its defaults, and media their place on the CDN."""
    parts = list(walk(message.components))
    taken = {part["id"] for part in parts if part.get("id")}
    fresh = (number for number in range(1, 1000) if number not in taken)
    for part in parts:
        for holder in (part, *part.get("options", [])):
            _drop_nulls(holder)
            _drop_nulls(holder.get("emoji", {}))
        if not part.get("id"):
            part["id"] = next(fresh)
        part |= DEFAULTS.get(part["type"], {}) | part
        for item in part.get("items", []):
            item |= ITEM_DEFAULTS | item
        for holder in (part, *part.get("items", [])):
            for key in ("media", "file"):
                if isinstance(holder.get(key), dict):
                    holder[key] = _unfurled(world, message, holder[key])
        if part["type"] == FILE:
            _name_file(message, part)
    for embed in message.embeds:
        _drop_nulls(embed)
        embed.setdefault("type", "rich")
        for key in ("image", "thumbnail"):
            if key in embed:
                embed[key] = _unfurled(world, message, embed[key])


def _drop_nulls(values: Json) -> None:
    for key in [key for key, value in values.items() if value is None]:
        del values[key]


def _unfurled(world: World, message: Message, media: Json) -> Json:
    """A media item; one that points to an attachment of the message gets its url and size."""
    url = media["url"]
    scheme, _, name = url.partition("://")
    for attachment in message.attachments:
        if url == attachment.url or (scheme == "attachment" and name == attachment.filename):
            return {
                "id": str(attachment.id),
                "url": attachment.url,
                "proxy_url": attachment.url,
                "width": attachment.width or 0,
                "height": attachment.height or 0,
                "content_type": attachment.content_type,
                "attachment_id": str(attachment.id),
                "flags": 0,
                "loading_state": 2,
            }
    return {"id": str(world.snowflakes.next()), "proxy_url": url} | media


def _name_file(message: Message, part: Json) -> None:
    for attachment in message.attachments:
        if part["file"].get("attachment_id") == str(attachment.id):
            part |= {"name": attachment.filename, "size": len(attachment.data)}
