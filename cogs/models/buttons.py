"""Everything clickable about models. A button carries what it is about: it outlives restarts."""

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui

from cogs.policy.access import require_owner
from engine import human_size
from speech import phrase, say

if TYPE_CHECKING:
    from cogs.bot import Atelier

Act = Callable[["discord.Interaction[Atelier]", str], Awaitable[None]]


class ModelButton(
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-model:(?P<verb>[a-z]+):(?P<what>[\w.-]{1,50})",
):
    """A button that does `verb` to an order, by its number, or to a model, by its name."""

    def __init__(self, verb: str, what: str) -> None:
        label, emoji, style, self._act = VERBS[verb]
        identity = f"atelier-model:{verb}:{what}"
        super().__init__(ui.Button(label=say(label), emoji=emoji, style=style, custom_id=identity))
        self._what = what

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button that was clicked, rebuilt from its id alone."""
        return cls(match["verb"], match["what"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Do it, under the same policy and error handling as a command."""

        async def act() -> None:
            require_owner(interaction)
            await self._act(interaction, self._what)

        await interaction.client.tree.guard(interaction, act)


async def download(interaction: "discord.Interaction[Atelier]", number: str) -> None:
    """Bring the model here, or what is still missing of it."""
    await interaction.client.downloads.start(interaction, int(number))


async def stop(interaction: "discord.Interaction[Atelier]", number: str) -> None:
    """Stop bringing it; what has come stays."""
    await interaction.client.downloads.stop(interaction, int(number))


async def dismiss(interaction: "discord.Interaction[Atelier]", number: str) -> None:
    """Do without it."""
    await interaction.client.downloads.dismiss(interaction, int(number))


async def remove(interaction: "discord.Interaction[Atelier]", name: str) -> None:
    """Take the model out, and its files off the disk."""
    await interaction.response.defer()
    freed = await interaction.client.studio.model_manager.remove(name)
    if freed:
        room = human_size(freed)
        text = say("**{name}** was removed, which freed {room}.", name=name, room=room)
    else:
        text = say(
            "**{name}** was removed, but no space was freed: its files are the owner's own, or "
            "another model needs them.",
            name=name,
        )
    await interaction.edit_original_response(content=text, view=None)


async def keep(interaction: "discord.Interaction[Atelier]", name: str) -> None:
    """Leave the model where it is."""
    await interaction.response.edit_message(content=say("Kept **{name}**.", name=name), view=None)


VERBS: dict[str, tuple[str, str, discord.ButtonStyle, Act]] = {
    "download": (phrase("Download"), "⬇️", discord.ButtonStyle.primary, download),
    "add": (phrase("Add"), "➕", discord.ButtonStyle.primary, download),
    "resume": (phrase("Resume"), "▶️", discord.ButtonStyle.primary, download),
    "stop": (phrase("Stop"), "⏹️", discord.ButtonStyle.secondary, stop),
    "dismiss": (phrase("Cancel"), "✖️", discord.ButtonStyle.secondary, dismiss),
    "remove": (phrase("Remove"), "🗑️", discord.ButtonStyle.danger, remove),
    "keep": (phrase("Keep"), "✖️", discord.ButtonStyle.secondary, keep),
}
"""Each with its label, emoji, style and what it does."""
