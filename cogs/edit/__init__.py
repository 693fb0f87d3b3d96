"""/edit and /blend: pictures from pictures, by words."""

from cogs.context import Client
from cogs.edit.edit import Edit


async def setup(bot: Client) -> None:
    """Add the feature to the bot."""
    await bot.add_cog(Edit(bot.studio))
