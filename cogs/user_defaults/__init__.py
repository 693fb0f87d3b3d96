"""/me defaults: what a person gets where a request leaves it open."""

from cogs.context import Client
from cogs.user_defaults.me import Me


async def setup(bot: Client) -> None:
    """Add the feature to the bot."""
    await bot.add_cog(Me(bot.studio))
