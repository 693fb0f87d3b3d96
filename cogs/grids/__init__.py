"""/grid: X/Y comparison grids."""

from cogs.context import Client
from cogs.grids import actions
from cogs.grids.buttons import CellActions, CellMenu, GridActions, GridButton
from cogs.grids.command import GridCommand
from cogs.grids.grid_messages import GridMessages
from cogs.messages.removal import CellMessages
from cogs.messages.updater import MessageUpdater
from cogs.requests.confirmations import GridConfirmation


async def setup(bot: Client) -> None:
    """Add the feature to the bot."""
    services = bot.services
    messages = GridMessages(bot, bot.studio, services[MessageUpdater])
    services.add(GridMessages, messages)
    services.add(CellMessages, messages)
    services.add(GridConfirmation, messages)
    services.add(GridActions, GridActions()).add(
        here=actions.here, cancel=actions.cancel, delete=actions.delete
    )
    services.add(CellActions, CellActions()).add(show=actions.show_cell)
    bot.add_dynamic_items(GridButton, CellMenu)
    bot.start_hooks.append(messages.resume)
    await bot.add_cog(GridCommand(bot.studio))
