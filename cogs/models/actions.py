"""What the buttons about models and LoRAs do."""

from cogs.context import Interaction
from cogs.markdown import escaped
from cogs.models.downloads import ModelDownloads
from engine import human_size
from speech import say


async def download(interaction: Interaction, number: str) -> None:
    """Download the model, or the rest of it, and add it."""
    await interaction.client.services[ModelDownloads].start(interaction, int(number))


async def stop(interaction: Interaction, number: str) -> None:
    """Stop the download. What's downloaded is kept."""
    await interaction.client.services[ModelDownloads].stop(interaction, int(number))


async def dismiss(interaction: Interaction, number: str) -> None:
    """Don't add the model."""
    await interaction.client.services[ModelDownloads].dismiss(interaction, int(number))


async def remove(interaction: Interaction, name: str) -> None:
    """Remove the model and its files."""
    await interaction.response.defer()
    freed = await interaction.client.studio.model_manager.remove(name)
    if freed:
        size = human_size(freed)
        text = say("**{name}** was removed, which freed {room}.", name=escaped(name), room=size)
    else:
        text = say(
            "**{name}** was removed, but no space was freed: its files are the owner's own, or "
            "another model needs them.",
            name=escaped(name),
        )
    await interaction.edit_original_response(content=text, view=None)


async def remove_lora(interaction: Interaction, name: str) -> None:
    """Remove the LoRA and its files."""
    await interaction.response.defer()
    freed = await interaction.client.studio.adapter_manager.remove(name)
    if freed:
        size = human_size(freed)
        text = say(
            "The LoRA **{name}** was removed, which freed {room}.", name=escaped(name), room=size
        )
    else:
        text = say(
            "The LoRA **{name}** was removed, but no space was freed: its file is the owner's own, "
            "or another one needs it.",
            name=escaped(name),
        )
    await interaction.edit_original_response(content=text, view=None)


async def keep(interaction: Interaction, name: str) -> None:
    """Keep the model or the LoRA."""
    await interaction.response.edit_message(
        content=say("Kept **{name}**.", name=escaped(name)), view=None
    )
