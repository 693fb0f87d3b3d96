"""Notes of all that the bot says at a stop of the tour, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator

from tests.discord_server import Member, Message, Use
from tests.discord_server.interactions import COMMAND, Interaction
from tests.discord_server.world import World

from .keys import key_of
from .reading import english, of_look, of_modal, says
from .stops import Role, Stop

ANSWERS = (4, 5)
"""Types of response that are a message of their own."""

BROKE = "Something went wrong. The owner can find the reason in the log: {incident}."


class Notes:
    """What is said to everybody, as one person in one language looks at it."""

    def __init__(self, world: World, who: Member, role: Role, language: str) -> None:
        self._world, self._who, self._role, self._language = world, who, role, language
        self._seen: dict[int, int] = {}
        self._used = 0

    def mark(self) -> None:
        """What is said from now on is said at this stop."""
        self._seen = {message.id: len(message.looks) for message in self._world.messages.values()}
        self._used = len(self._world.interactions)

    def wrong(self, stop: Stop, use: Use) -> Iterator[str]:
        """What is wrong with what was said at the stop."""
        text = "\n".join(text for _, text in self._said())
        if key(use.interaction) != stop.key:
            yield f"what was used is {key(use.interaction)}"
        if says(text, BROKE, self._language):
            yield "something broke"
        if not says(text, stop.expected(self._role), self._language):
            yield f"does not say {stop.expected(self._role)!r}, but {text!r}"
        if self._language != "en" and (words := english(text)):
            yield f"English: {words} in {text!r}"
        yield from self._leaks(stop, use)

    def _leaks(self, stop: Stop, use: Use) -> Iterator[str]:
        for message, text in self._said():
            others = message is not None and not message.ephemeral and message.channel.guild
            if "secretine" in text and others:
                yield "everybody reads what is private"
            reads = message is None or self._who.sees(message)
            if reads and self._role is not Role.MEMBER and "secretine" in text:
                yield "they read what is private"
            if reads and self._role is Role.STRANGER and "velvetine" in text:
                yield "they read what is another server's"
        made = use.interaction.original
        answered = made is not None and use.response in ANSWERS and not made.deleted
        public = made and answered and made.channel.guild and not made.ephemeral
        if made and public and not (stop.public and stop.allows(self._role)):
            yield f"everybody reads {made.text()!r}"

    def _said(self) -> Iterator[tuple[Message | None, str]]:
        """Everything that the bot has said since, with its message if it has one."""
        for message in list(self._world.messages.values()):
            if message.author is self._world.bot:
                for look in message.looks[self._seen.get(message.id, 0) :]:
                    yield message, of_look(look)
        for interaction in list(self._world.interactions.values())[self._used :]:
            if interaction.modal is not None:
                yield None, of_modal(interaction.modal)


def key(interaction: Interaction) -> str:
    """What was used."""
    if interaction.type == COMMAND:
        typed = interaction.data["type"] == 1
        words = [str(interaction.data["name"])]
        options = interaction.data.get("options", [])
        while options and options[0]["type"] in (1, 2):
            words.append(options[0]["name"])
            options = options[0].get("options", [])
        return ("/" if typed else "") + " ".join(words)
    return key_of(interaction.data["custom_id"])
