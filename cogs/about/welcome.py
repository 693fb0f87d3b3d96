"""The greeting in a new server."""

import logging

import discord
from discord import ui
from discord.ext import commands

from cogs.context import Client
from cogs.messages.delivery import fresh_nonce
from cogs.messages.text import command_mention
from speech import current_language, language_for, say, set_language

log = logging.getLogger(__name__)

GREETED_KEY = "greeted"
"""The preference that marks a server as greeted."""

EXAMPLES = (
    "a lighthouse at dusk, oil on canvas",
    "a red house under two trees in the rain",
    "a fox asleep in the snow, seen from above",
)
"""Example prompts. They aren't translated: most models read only English."""


class Welcome(commands.Cog):
    """Introduces the bot in servers that add it."""

    def __init__(self, bot: Client) -> None:
        self._bot = bot

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Post the greeting, once per server."""
        set_language(language_for(guild.preferred_locale))
        preferences, scope = self._bot.studio.preferences, f"guild:{guild.id}"
        if await preferences.get(scope, GREETED_KEY):
            return
        if (channel := greeting_channel(guild)) is None:
            log.info("Joined server %d, but can't post in any of its channels", guild.id)
            return
        await preferences.set(scope, GREETED_KEY, "yes")
        try:
            await channel.send(
                view=greeting(self._bot, guild),
                allowed_mentions=discord.AllowedMentions.none(),
                nonce=fresh_nonce(),
            )
        except discord.HTTPException as error:
            log.warning("Server %d couldn't be greeted: %s", guild.id, error)


def greeting_channel(guild: discord.Guild) -> discord.TextChannel | None:
    """The system channel or else the first text channel in which the bot may write."""
    system = [guild.system_channel] if guild.system_channel else []
    for channel in [*system, *guild.text_channels]:
        allowed = channel.permissions_for(guild.me)
        if allowed.view_channel and allowed.send_messages:
            return channel
    return None


def greeting(bot: Client, guild: discord.Guild) -> ui.LayoutView:
    """What the bot does, what to try, and who can configure it."""
    imagine, settings, help_ = (
        command_mention(bot, name, guild.id) for name in ("imagine", "settings", "help")
    )
    report_lines = [
        say("## Hello!"),
        say(
            "I paint pictures from your descriptions on my owner's own machine. Your prompts "
            "aren't sent to any other service."
        ),
        say("### Try these"),
        *(f"• {imagine} `{example}`" for example in EXAMPLES),
        say("### Good to know"),
        say(
            "{help} lists all commands and who can use them. Members with Manage Server can "
            "configure me with {settings}. Use the buttons under a picture to paint it again "
            "or delete it.",
            help=help_,
            settings=settings,
        ),
    ]
    if current_language() != "en":
        report_lines.append(say("-# Most models only read English prompts."))
    view = ui.LayoutView(timeout=None)
    container: ui.Container[ui.LayoutView] = ui.Container(ui.TextDisplay("\n".join(report_lines)))
    view.add_item(container)
    return view
