"""/describe and /prompt: words from pictures, and better words."""

from cogs.context import Client
from cogs.requests.written_prompts import PaintButton
from cogs.writing.describe import Describe
from cogs.writing.prompt import AnotherButton, Prompts


async def setup(bot: Client) -> None:
    """Add the feature to the bot."""
    bot.add_dynamic_items(PaintButton, AnotherButton)
    await bot.add_cog(Describe())
    await bot.add_cog(Prompts())
