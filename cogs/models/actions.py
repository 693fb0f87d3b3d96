"""What the buttons about models do."""

from cogs.context import Interaction
from cogs.models.downloads import ModelDownloads
from engine import human_size
from speech import say


async def download(interaction: Interaction, number: str) -> None:
    """Bring the model here, or what is still missing of it."""
    await interaction.client.services[ModelDownloads].start(interaction, int(number))


async def stop(interaction: Interaction, number: str) -> None:
    """Stop bringing it; what has come stays."""
    await interaction.client.services[ModelDownloads].stop(interaction, int(number))


async def dismiss(interaction: Interaction, number: str) -> None:
    """Do without it."""
    await interaction.client.services[ModelDownloads].dismiss(interaction, int(number))


async def remove(interaction: Interaction, name: str) -> None:
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


async def keep(interaction: Interaction, name: str) -> None:
    """Leave the model where it is."""
    await interaction.response.edit_message(content=say("Kept **{name}**.", name=name), view=None)
