"""/words: what must not be in a prompt in this server."""

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from cogs.audit import noted
from cogs.desk import scope_of
from cogs.policy import manages, require_manager
from cogs.replies import reply
from engine import Studio

if TYPE_CHECKING:
    from cogs.bot import Atelier

Word = Range[str, 1, 60]

MOST_CHOICES = 25
"""Discord's limit for autocomplete."""


@app_commands.guild_only()
class Words(
    commands.GroupCog, group_name="words", group_description="Words that are not wanted in prompts"
):
    """The commands about words."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        super().__init__()

    @app_commands.command(name="block")
    @app_commands.describe(word="A word, or several that belong together; case does not matter")
    async def block_word(self, interaction: "discord.Interaction[Atelier]", word: Word) -> None:
        """Refuse prompts that have this word in this server"""
        require_manager(interaction)
        plain = await self._studio.keeper.block_word(scope_of(interaction), word)
        await noted(interaction, f"blocked the word ||{_shown(plain)}||")
        await reply(interaction, f"Prompts with “{_shown(plain)}” are refused from now on.")

    @app_commands.command(name="remove")
    @app_commands.describe(word="A word that was blocked")
    async def remove_word(self, interaction: "discord.Interaction[Atelier]", word: Word) -> None:
        """Let a word be used again"""
        require_manager(interaction)
        if await self._studio.keeper.allow_word(scope_of(interaction), word):
            await noted(interaction, f"allowed the word ||{_shown(word)}||")
            await reply(interaction, f"“{_shown(word)}” may be used again.")
        else:
            await reply(
                interaction, f"“{_shown(word)}” is not blocked: `/words list` shows what is."
            )

    @app_commands.command(name="list")
    async def list_words(self, interaction: "discord.Interaction[Atelier]") -> None:
        """Show the words that are not wanted in prompts, to you alone"""
        require_manager(interaction)
        words = await self._studio.keeper.words(scope_of(interaction))
        if words:
            await reply(interaction, ", ".join(_shown(word) for word in words))
        else:
            await reply(interaction, "All words may be used here. `/words block` refuses one.")

    @remove_word.autocomplete("word")
    async def _complete_word(
        self, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[str]]:
        if not manages(interaction):
            return []
        words = await self._studio.keeper.words(scope_of(interaction))
        typed = current.strip().casefold()
        return [Choice(name=word, value=word) for word in words if typed in word][:MOST_CHOICES]


def _shown(word: str) -> str:
    return discord.utils.escape_markdown(word)
