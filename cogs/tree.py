"""The command tree: one policy check and one error handler for whatever people do."""

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import discord
from discord import app_commands

from cogs.messages.replies import reply
from cogs.policy.access import require_access
from engine import AtelierError, LimitReached, new_incident
from speech import language_for, resaid, say, speak

if TYPE_CHECKING:
    from cogs.bot import Atelier

log = logging.getLogger(__name__)


class Tree(app_commands.CommandTree["Atelier"]):
    """Slash commands pass through it by themselves; buttons and modals through `guard`.

    Commands are for servers that the bot is in, unless they say otherwise.
    """

    def __init__(self, client: "Atelier") -> None:
        super().__init__(
            client,
            allowed_contexts=app_commands.AppCommandContext(guild=True),
            allowed_installs=app_commands.AppInstallationType(guild=True),
        )

    async def guard(
        self,
        interaction: "discord.Interaction[Atelier]",
        action: Callable[[], Awaitable[None]],
    ) -> None:
        """Run what a click or a modal asks for, checked and with its errors answered."""
        speak(language_for(interaction.locale))
        try:
            await require_access(interaction)
            await action()
        except Exception as error:
            await self._answer(interaction, error)

    async def interaction_check(self, interaction: "discord.Interaction[Atelier]", /) -> bool:
        """The policy check of commands."""
        speak(language_for(interaction.locale))
        try:
            await require_access(interaction)
        except AtelierError as error:
            if interaction.type is discord.InteractionType.autocomplete:
                await interaction.response.autocomplete([])
            else:
                await self._answer(interaction, error)
            return False
        return True

    async def on_error(
        self,
        interaction: "discord.Interaction[Atelier]",
        error: app_commands.AppCommandError,
        /,
    ) -> None:
        """The error handler of commands."""
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await self._answer(interaction, cause)

    async def _answer(self, interaction: "discord.Interaction[Atelier]", error: Exception) -> None:
        if interaction.type is discord.InteractionType.autocomplete:
            log.error("Autocomplete failed", exc_info=error)
            return
        try:
            if (
                interaction.response.type
                is discord.InteractionResponseType.deferred_channel_message
            ):
                await interaction.delete_original_response()  # everybody would read what fills it
            await reply(interaction, sentence_for(error))
        except discord.HTTPException as failure:
            log.warning("Could not answer %s: %s", interaction.user, failure)


def sentence_for(error: Exception) -> str:
    """What to tell a person about `error`; a bug goes to the log under an id that they see."""
    match error:
        case LimitReached(retry_at=float(retry_at)):
            return say("{error} Try again <t:{at}:R>.", error=error.sentence, at=int(retry_at) + 1)
        case AtelierError():
            return resaid(error.sentence)
        case app_commands.CommandSignatureMismatch() | app_commands.CommandNotFound():
            return say("This command has changed. Restart Discord, or try again in a minute.")
        case _:
            incident = new_incident()
            log.error("Incident %s", incident, exc_info=error)
            return say(
                "Something went wrong. The owner can find the reason in the log: {incident}.",
                incident=incident,
            )
