"""The bot itself: /help, /status, /reload, its greeting and its presence."""

from functools import partial

from cogs.about.help import CommandsButton, Help
from cogs.about.presence import BotPresence
from cogs.about.reload import ReloadCommand
from cogs.about.status import StatusCommand
from cogs.about.welcome import Welcome
from cogs.context import Client


async def setup(bot: Client) -> None:
    """Add the feature to the bot."""
    bot.start_hooks.append(partial(bot.add_cog, BotPresence(bot)))
    bot.add_dynamic_items(CommandsButton)
    await bot.add_cog(Help())
    await bot.add_cog(Welcome(bot))
    await bot.add_cog(StatusCommand(bot.studio))
    await bot.add_cog(ReloadCommand())
