"""/workers: what paints, and pausing it."""

from discord import app_commands
from discord.ext import commands

from cogs.context import Interaction
from cogs.workers.pages import WorkerPages


class WorkersCommand(commands.Cog, name="Workers"):
    """The command about what paints."""

    def __init__(self, pages: WorkerPages) -> None:
        self._pages = pages

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_guild=True)
    async def workers(self, interaction: Interaction) -> None:
        """Show which devices and machines paint, their load and speed; pause and resume them"""
        await self._pages.show(interaction)
