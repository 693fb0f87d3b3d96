"""/reload: the owner's settings, read again."""

from collections.abc import Iterator, Sequence

from discord import app_commands
from discord.ext import commands

from cogs.context import Interaction
from cogs.markdown import Markdown, escaped_line
from cogs.messages.replies import reply
from cogs.policy.access import require_owner
from cogs.reloading import Reloaded
from speech import join_list, say


class ReloadCommand(commands.Cog, name="Reload"):
    """The command for an owner who has changed the settings file."""

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_guild=True)
    async def reload(self, interaction: Interaction) -> None:
        """Read my settings file again, without a restart where that's possible"""
        require_owner(interaction, say("Only the bot's owner can reload its settings."))
        await interaction.response.defer(ephemeral=True, thinking=True)
        reloaded = await interaction.client.reload()
        await reply(interaction, "\n".join(report_lines(reloaded)))


def report_lines(reloaded: Reloaded) -> Iterator[str]:
    """What came of it, in lines."""
    if reloaded.problems:
        yield say("The settings have mistakes, so everything stays as it was:")
        yield from (f"- {escaped_line(problem)}" for problem in reloaded.problems)
        return
    if not (reloaded.live or reloaded.restart or reloaded.needed):
        yield say("Nothing has changed in the settings.")
    if reloaded.live:
        yield say("Changed: {settings}.", settings=_named(reloaded.live))
    if reloaded.needed:
        yield say(
            "Jobs still need these, so they stay as they were. Reload again later: {settings}.",
            settings=_named(reloaded.needed),
        )
    if reloaded.restart:
        yield say(
            "These take a restart, and stay as they were until then: {settings}.",
            settings=_named(reloaded.restart),
        )


def _named(settings: Sequence[str]) -> Markdown:
    return Markdown(join_list([f"`{name}`" for name in settings]))
