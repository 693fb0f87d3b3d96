"""Reads submitted modals from the raw interaction, so that they work after a restart."""

import re
from typing import Any, ClassVar

import discord
from discord.ext import commands

from cogs.context import AnyInteraction, Interaction


def modal_id(interaction: AnyInteraction, pattern: re.Pattern[str]) -> re.Match[str] | None:
    """The match of a submitted modal's custom ID; `None` for other IDs and interactions."""
    if interaction.type is not discord.InteractionType.modal_submit:
        return None
    data: Any = interaction.data
    return pattern.fullmatch(data["custom_id"])


class ModalCog(commands.Cog):
    """A cog that handles submitted modals by their custom IDs, so that they work after a restart.

    Attributes:
        form: The custom IDs that are its own.
    """

    form: ClassVar[re.Pattern[str]]

    async def submitted(self, interaction: Interaction, match: re.Match[str]) -> None:
        """Do what was entered in a modal whose custom ID matches `form`."""
        raise NotImplementedError

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        """Pass on its own modals, with errors answered as those of commands are."""
        if match := modal_id(interaction, self.form):
            await interaction.client.tree.guard(
                interaction, lambda: self.submitted(interaction, match)
            )


def field_values(interaction: AnyInteraction) -> dict[str, str]:
    """The text fields of a submitted modal, by their custom IDs."""
    data: Any = interaction.data
    fields = (part["component"] for part in data["components"] if "component" in part)
    return {field["custom_id"]: field["value"].strip() for field in fields if "value" in field}


def uploaded_files(interaction: AnyInteraction) -> list[discord.Attachment]:
    """The files of a submitted modal, in their order."""
    data: Any = interaction.data
    files = data.get("resolved", {}).get("attachments", {})
    fields = (part["component"] for part in data["components"] if "component" in part)
    chosen = [value for field in fields for value in field.get("values", ()) if value in files]
    state = interaction.client._connection
    return [discord.Attachment(data=files[file_id], state=state) for file_id in chosen]
