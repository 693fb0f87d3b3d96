"""/inspire: a random public prompt of this server."""

from cogs.context import Client
from cogs.inspire.inspire import AnotherButton, Inspire


async def setup(bot: Client) -> None:
    """Add the feature to the bot."""
    bot.add_dynamic_items(AnotherButton)
    await bot.add_cog(Inspire())
