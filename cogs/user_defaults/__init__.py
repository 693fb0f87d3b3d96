"""/me defaults: users' own defaults for their requests."""

from cogs.context import Client
from cogs.user_defaults.me import Me


async def setup(bot: Client) -> None:
    """Add the feature to the bot."""
    await bot.add_cog(Me(bot.studio))
