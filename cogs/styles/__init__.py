"""/style: prompt templates of a server."""

from cogs.context import Client
from cogs.styles.styles import Styles


async def setup(bot: Client) -> None:
    """Add the feature to the bot."""
    await bot.add_cog(Styles(bot.studio))
