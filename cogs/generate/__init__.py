"""/imagine: from a prompt to a job."""

from cogs.context import Client
from cogs.generate.imagine import Imagine


async def setup(bot: Client) -> None:
    """Add the feature to the bot."""
    await bot.add_cog(Imagine(bot.studio))
