"""Finding pictures again: history, favourites, single jobs, the gallery channel."""

from cogs.context import Client
from cogs.gallery.gallery import Gallery
from cogs.gallery.history import HistoryCommands
from cogs.gallery.job_list import JobMenu, PageButton
from cogs.gallery.stars import star
from cogs.messages.buttons import JobActions


async def setup(bot: Client) -> None:
    """Add the feature to the bot."""
    gallery = bot.services.add(Gallery, Gallery(bot.studio))
    bot.services[JobActions].add(star=star)
    bot.add_dynamic_items(PageButton, JobMenu)
    await bot.add_cog(HistoryCommands(bot.studio))
    await bot.add_cog(gallery)
