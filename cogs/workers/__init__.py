"""/workers: what paints for the bot, for its owner."""

from cogs.context import Client
from cogs.workers.buttons import WorkerButton
from cogs.workers.command import WorkersCommand
from cogs.workers.pages import WorkerPages


async def setup(bot: Client) -> None:
    """Add the feature to the bot."""
    pages = WorkerPages(bot)
    bot.stop_hooks.append(pages.close)
    bot.add_dynamic_items(WorkerButton)
    await bot.add_cog(WorkersCommand(pages))
