"""/settings: a server's settings."""

from cogs.context import Client
from cogs.settings.items import Panel, PanelButton, SettingSelect
from cogs.settings.panel import SettingsPanel


async def setup(bot: Client) -> None:
    """Add the feature to the bot."""
    panel = SettingsPanel(bot.studio)
    bot.services.add(Panel, panel)
    bot.add_dynamic_items(SettingSelect, PanelButton)
    await bot.add_cog(panel)
