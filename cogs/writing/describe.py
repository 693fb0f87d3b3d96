"""/describe: prompts that would paint the like of a picture."""

import discord
from discord import app_commands
from discord.ext import commands

from cogs.context import Interaction
from cogs.policy.contexts import anywhere
from cogs.requests.describing import describe_attachment


class Describe(commands.Cog):
    """The command."""

    @app_commands.command()
    @anywhere
    @app_commands.describe(
        image="The picture to describe",
        private="Show the prompts only to you; your /me defaults apply if omitted",
    )
    async def describe(
        self, interaction: Interaction, image: discord.Attachment, private: bool | None = None
    ) -> None:
        """Say in words what a picture shows, in up to four prompts that you can paint"""
        await describe_attachment(interaction, image, private=private)
