"""Reads submitted modals from the raw interaction, so that they work after a restart."""

import re
from typing import Any

import discord

from cogs.context import AnyInteraction


def modal_id(interaction: AnyInteraction, pattern: re.Pattern[str]) -> re.Match[str] | None:
    """The match of a submitted modal's custom ID; `None` for other IDs and interactions."""
    if interaction.type is not discord.InteractionType.modal_submit:
        return None
    data: Any = interaction.data
    return pattern.fullmatch(data["custom_id"])


def field_values(interaction: AnyInteraction) -> dict[str, str]:
    """The text fields of a submitted modal, by their custom IDs."""
    data: Any = interaction.data
    fields = (part["component"] for part in data["components"] if "component" in part)
    return {field["custom_id"]: field["value"].strip() for field in fields if "value" in field}


def uploaded_file(interaction: AnyInteraction) -> discord.Attachment:
    """The one file of a submitted modal."""
    data: Any = interaction.data
    [file] = data["resolved"]["attachments"].values()
    return discord.Attachment(data=file, state=interaction.client._connection)
