"""What people did, as Discord told it, kept from before a deferred answer until it is given.

“… is thinking” is a promise. An act that the program's end has interrupted is handled again at the
next start, as if Discord had told of it only then.
"""

import logging
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import discord

from cogs.context import Client
from cogs.message_ref import MessageRef
from engine import Act, Progress, StorageError
from speech import language_for, say, use_language

log = logging.getLogger(__name__)

AUTOCOMPLETE = discord.InteractionType.autocomplete.value


@dataclass(frozen=True, slots=True)
class Received:
    """The interaction that a task handles.

    Attributes:
        payload: What Discord sent.
        resumed: Whether an earlier run of the program has begun to handle it.
    """

    payload: dict[str, Any]
    resumed: bool = False


received: ContextVar[Received | None] = ContextVar("received", default=None)
"""The interaction that the current task handles, if it handles one."""


class Acts:
    """Keeps interactions whose answers are deferred, and resumes those that were left."""

    def __init__(self, bot: Client) -> None:
        self._bot = bot
        self._table = bot.studio.acts
        self._kept: set[int] = set()
        self._left: list[Act] = []
        self._shown_elsewhere: set[str] = set()
        # discord.py has no event with the whole payload of an interaction.
        parsers = bot._connection.parsers
        self._parse: Callable[[Any], None] = parsers["INTERACTION_CREATE"]
        parsers["INTERACTION_CREATE"] = self._receive

    def _receive(self, payload: dict[str, Any], *, resumed: bool = False) -> None:
        copy_context().run(self._parse_as, Received(payload, resumed))

    def _parse_as(self, received_now: Received) -> None:
        received.set(received_now)
        self._parse(received_now.payload)

    async def keep(self) -> None:
        """Store the interaction that this task handles: its answer is about to be deferred."""
        act = received.get()
        if act is None or act.payload["type"] == AUTOCOMPLETE:
            return
        number = int(act.payload["id"])
        try:
            await self._table.begin(Act(number, act.payload))
        except StorageError as error:  # a full disk: a job that can't be stored says so itself
            log.warning("An interaction can't be kept: %s", error)
        self._kept.add(number)

    async def finish(self, interaction: discord.Interaction[Any]) -> None:
        """Forget an interaction that has been answered."""
        if interaction.id not in self._kept:
            return
        self._kept.discard(interaction.id)
        try:
            await self._table.end(interaction.id)
        except StorageError as error:  # its message has been answered; it is told so at a start
            log.warning("An interaction stays kept: %s", error)

    async def load(self) -> None:
        """Read what was left unfinished, before anything new comes."""
        self._left = await self._table.unfinished()
        for job in await self._bot.studio.undelivered() if self._left else ():
            self._shown_elsewhere.add(MessageRef.from_json(job.message_ref).token)

    async def resume(self) -> None:
        """Handle what was left, now that the servers are known. Each is begun again only once."""
        left, self._left = self._left, []
        if not left:
            return
        log.info("%d interactions that were left are finished", len(left))
        await self._table.mark_resumed(left)
        for act in left:
            self._kept.add(act.id)
            if act.progress is Progress.BEGUN:
                self._receive(act.value, resumed=True)
            else:
                await self._tell(act)
                await self._table.end(act.id)

    async def _tell(self, act: Act) -> None:
        """Say what has become of an act, unless the message of its job says it."""
        if act.value["token"] in self._shown_elsewhere:
            return
        interaction = discord.Interaction(data=cast(Any, act.value), state=self._bot._connection)
        with use_language(language_for(interaction.locale)):
            if act.progress is Progress.STORED:
                text = say("I was restarted while I answered you. Your request is saved.")
            else:
                text = say(
                    "I was restarted twice while I worked on this, so I stopped. Run it again "
                    "with other settings or another picture."
                )
        try:
            await interaction.followup.send(text, ephemeral=True)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            log.info("An interaction that was left can't be answered any more: %s", error)
