"""The conversation as text: who used what, and what everybody sees in the end."""

from __future__ import annotations

from collections.abc import Iterator

from .guilds import Channel
from .messages import Message
from .world import World

LINE = 300


def transcript(world: World) -> str:
    """Every channel in which something happened, its uses and messages in order."""
    places = [channel for channel in _channels(world) if channel.history]
    return "\n\n".join("\n".join(_channel(world, channel)) for channel in places)


def _channels(world: World) -> list[Channel]:
    seen = dict.fromkeys(world.channels.values())
    seen |= dict.fromkeys(used.channel for used in world.interactions.values())
    return list(seen)


def _channel(world: World, channel: Channel) -> Iterator[str]:
    place = f"{channel.guild.name} " if channel.guild else ""
    yield f"--- {place}{'@' if channel.kind == 'dm' else '#'}{channel.name}"
    events: list[tuple[int, list[str]]] = [
        (each.id, list(_message(each))) for each in channel.history
    ]
    for used in world.interactions.values():
        if used.channel is channel and used.type != 4:
            line = f"{used.person.name} uses {used.describe()}"
            events.append((used.id, [line + (f"  !! {used.failed}" if used.failed else "")]))
    for _, lines in sorted(events, key=lambda event: event[0]):
        yield from lines


def _message(message: Message) -> Iterator[str]:
    marks = []
    if message.ephemeral and message.interaction:
        marks.append(f"only {message.interaction.person.name} sees it")
    if message.edits:
        marks.append(f"{len(message.edits)} edits")
    if message.deleted:
        marks.append("deleted")
    if message.pings:
        marks.append(f"pings {', '.join(message.pings)}")
    yield f"{message.author.name}:" + (f" ({'; '.join(marks)})" if marks else "")
    text = "is thinking…" if message.loading else message.text()
    for line in text.splitlines():
        yield "    " + (line if len(line) <= LINE else line[: LINE - 1] + "…")
    if message.attachments:
        yield "    files: " + ", ".join(str(each) for each in message.attachments)
    if message.buttons:
        yield "    " + " ".join(_button(button) for button in message.buttons)


def _button(button: dict[str, object]) -> str:
    emoji = button.get("emoji")
    name = button.get("label") or (emoji.get("name") if isinstance(emoji, dict) else "?")
    return f"({name})" if button.get("disabled") else f"[{name}]"
