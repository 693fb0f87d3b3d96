"""/favourites: what somebody has starred, by whomever it was asked for."""

from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from cogs.context import Interaction
from cogs.gallery.job_list import open_job_list
from cogs.policy.contexts import anywhere
from engine import Search


class Favourites(commands.Cog):
    """The command about stars."""

    @app_commands.command()
    @anywhere
    @app_commands.describe(words="Words that must all be in the prompt")
    async def favourites(
        self, interaction: Interaction, words: Range[str, 1, 100] | None = None
    ) -> None:
        """List the pictures you starred, newest first"""
        search = Search(starred_by=str(interaction.user.id), words=words or "")
        await open_job_list(interaction, search)
