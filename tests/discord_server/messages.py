"""Messages, their attachments and everything they once looked like."""

from __future__ import annotations

import io
import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from PIL import Image, UnidentifiedImageError

from .errors import Json

if TYPE_CHECKING:
    from .guilds import Channel, User
    from .interactions import Interaction

SUPPRESS_EMBEDS = 1 << 2
EPHEMERAL = 1 << 6
LOADING = 1 << 7
SUPPRESS_NOTIFICATIONS = 1 << 12
COMPONENTS_V2 = 1 << 15


@dataclass(slots=True)
class Attachment:
    """A file on a message, as the CDN keeps it."""

    id: int
    filename: str
    data: bytes
    url: str
    description: str | None = None
    spoiler: bool = False
    content_type: str = field(init=False)
    width: int | None = field(init=False, default=None)
    height: int | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.filename = re.sub(r"[^\w.-]", "_", self.filename)
        self.content_type = mimetypes.guess_type(self.filename)[0] or "application/octet-stream"
        if self.content_type.startswith("image/"):
            try:
                with Image.open(io.BytesIO(self.data)) as image:
                    self.width, self.height = image.size
            except (UnidentifiedImageError, ValueError):  # or it has more in it than Pillow reads
                pass

    def read(self) -> bytes:
        """The bytes that were uploaded."""
        return self.data

    def __str__(self) -> str:
        size = f" {self.width}x{self.height}" if self.width else f" {len(self.data)} bytes"
        return self.filename + size


@dataclass(frozen=True, slots=True)
class Look:
    """What a message looked like from `at` (seconds on the loop's clock) until the next look."""

    at: float
    content: str
    embeds: list[Json]
    components: list[Json]
    attachments: list[Attachment]

    def text(self) -> str:
        """Everything a person can read in it."""
        return "\n".join(visible_text(self.content, self.embeds, self.components))


@dataclass(eq=False)
class Message:
    """A message on the server: what a person sees, and what became of it."""

    id: int
    channel: Channel
    author: User
    created: datetime
    type: int = 0
    content: str = ""
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    flags: int = 0
    edited: datetime | None = None
    deleted: bool = False
    nonce: str | int | None = None
    reference: Message | None = None
    interaction: Interaction | None = None
    pings: list[str] = field(default_factory=list)
    """Who it notifies: ``everyone`` and the ids of users and roles, as allowed_mentions let it."""
    looks: list[Look] = field(default_factory=list)

    @property
    def ephemeral(self) -> bool:
        """Only the person who used the interaction can see it."""
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        """The bot deferred and people read "… is thinking"."""
        return bool(self.flags & LOADING)

    @property
    def edits(self) -> list[Look]:
        """Every look after the first, oldest first."""
        return self.looks[1:]

    @property
    def buttons(self) -> list[Json]:
        """Its buttons as Discord describes them (`label`, `custom_id`, `disabled`, …)."""
        return [part for part in walk(self.components) if part["type"] == 2]

    @property
    def labels(self) -> list[str]:
        """What its enabled buttons say."""
        return [button.get("label") or "" for button in self.buttons if not button.get("disabled")]

    @property
    def selects(self) -> list[Json]:
        """Its select menus as Discord describes them."""
        return [part for part in walk(self.components) if part["type"] in (3, 5, 6, 7, 8)]

    def text(self) -> str:
        """Everything a person can read in it: content, embeds and text displays."""
        return "\n".join(visible_text(self.content, self.embeds, self.components))

    def remember(self, at: float) -> None:
        """Keep what it looks like now in its history."""
        self.looks.append(
            Look(at, self.content, self.embeds, self.components, list(self.attachments))
        )

    def __repr__(self) -> str:
        return f"<Message {self.id} {self.text()!r}>"


def walk(components: list[Json]) -> Iterator[Json]:
    """Every component at any depth, in reading order."""
    for part in components:
        yield part
        yield from walk(part.get("components", []))
        for key in ("accessory", "component"):
            if key in part:
                yield from walk([part[key]])


def visible_text(content: str, embeds: list[Json], components: list[Json]) -> Iterator[str]:
    """The lines of text in a message, top to bottom."""
    if content:
        yield content
    for embed in embeds:
        parts: list[Any] = [(embed.get("author") or {}).get("name")]
        parts += [embed.get("title"), embed.get("description")]
        for row in embed.get("fields") or []:
            parts += [row["name"], row["value"]]
        parts.append((embed.get("footer") or {}).get("text"))
        yield from (str(part) for part in parts if part)
    for part in walk(components):
        if part["type"] == 10:
            yield str(part["content"])
