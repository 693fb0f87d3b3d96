"""What people send in a modal, read from the interaction: it works after a restart, too."""

import re
from typing import Any

import discord

from cogs.context import AnyInteraction


def modal_id(interaction: AnyInteraction, form: re.Pattern[str]) -> re.Match[str] | None:
    """The id of the modal that was sent, if this is one of `form`'s."""
    if interaction.type is not discord.InteractionType.modal_submit:
        return None
    data: Any = interaction.data
    return form.fullmatch(data["custom_id"])


def field_values(interaction: AnyInteraction) -> dict[str, str]:
    """What stands in the fields of a modal that was sent, by their keys."""
    data: Any = interaction.data
    fields = (part["component"] for part in data["components"] if "component" in part)
    return {field["custom_id"]: field["value"].strip() for field in fields if "value" in field}


def uploaded_file(interaction: AnyInteraction) -> discord.Attachment:
    """The one file that stands in a modal that was sent."""
    data: Any = interaction.data
    [file] = data["resolved"]["attachments"].values()
    return discord.Attachment(data=file, state=interaction.client._connection)
