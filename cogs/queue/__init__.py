"""/queue and /cancel."""

from cogs.context import Client
from cogs.queue.queue import Queue


async def setup(bot: Client) -> None:
    """Add the feature to the bot."""
    await bot.add_cog(Queue(bot.studio))
