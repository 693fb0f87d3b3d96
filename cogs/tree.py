"""The command tree: one policy check and one error handler for every interaction."""

import logging
from collections.abc import Awaitable, Callable

import discord
from discord import app_commands

from cogs.acts import Acts
from cogs.context import Client, GuardedTree, Interaction
from cogs.messages.replies import reply, sentence_for
from cogs.policy.access import require_access
from engine import AtelierError
from speech import language_for, set_language

log = logging.getLogger(__name__)


class Tree(GuardedTree):
    """Checks commands in `interaction_check`, and clicks and modals in `guard`.

    Commands are for servers that the bot is in, unless they say otherwise.
    """

    def __init__(self, client: Client) -> None:
        super().__init__(
            client,
            allowed_contexts=app_commands.AppCommandContext(guild=True),
            allowed_installs=app_commands.AppInstallationType(guild=True),
        )

    async def guard(
        self,
        interaction: Interaction,
        action: Callable[[], Awaitable[None]],
    ) -> None:
        """Run the action of a click or a modal after the policy check, and answer its errors."""
        set_language(language_for(interaction.locale))
        try:
            await require_access(interaction)
            await action()
        except Exception as error:
            await self._fail(interaction, error)
        else:
            await interaction.client.services[Acts].finish(interaction)

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """The policy check of commands."""
        set_language(language_for(interaction.locale))
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
        interaction: Interaction,
        error: app_commands.AppCommandError,
        /,
    ) -> None:
        """The error handler of commands."""
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await self._fail(interaction, cause)

    async def _fail(self, interaction: Interaction, error: Exception) -> None:
        """Answer an error; what only the program's end has broken off goes on at the next start."""
        if interaction.client.leaving and not isinstance(error, AtelierError):
            log.info("An interaction of %s was broken off: %s", interaction.user, error)
            return
        await self._answer(interaction, error)
        await interaction.client.services[Acts].finish(interaction)

    async def _answer(self, interaction: Interaction, error: Exception) -> None:
        if interaction.type is discord.InteractionType.autocomplete:
            log.error("Autocomplete failed", exc_info=error)
            return
        try:
            if (
                interaction.response.type
                is discord.InteractionResponseType.deferred_channel_message
            ):
                # The error would take its place, for the whole channel to read.
                await interaction.delete_original_response()
            await reply(interaction, sentence_for(error))
        except discord.HTTPException as failure:
            log.warning("Could not answer %s: %s", interaction.user, failure)
