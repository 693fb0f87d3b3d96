"""/model add and /model remove, for the bot's owner."""

import asyncio

from discord import app_commands, ui
from discord.app_commands import Choice, Range
from discord.ext import commands

from cogs.context import Interaction
from cogs.markdown import escaped
from cogs.message_ref import MessageRef
from cogs.models.buttons import ModelButton
from cogs.models.downloads import ModelDownloads
from cogs.models.pending_models import PendingModel
from cogs.policy.access import require_owner
from cogs.policy.request_context import channel_language
from cogs.requests.choices import model_choices
from engine import Studio, human_size
from speech import join_sentences, say

Name = Range[str, 1, 50]
Source = Range[str, 1, 300]


class OwnerCommands(commands.Cog):
    """The owner's part of `/model`, a base class of `Models`."""

    _studio: Studio

    @app_commands.command(name="add")
    @app_commands.describe(
        source="A Hub ID (owner/name), civitai:NUMBER, a link to a model, or a folder or file",
        name="What to call it; named after the source if omitted",
        revision="Branch, tag or commit on the Hub",
        variant="Variant of the weights, such as fp16",
        denoiser="A .gguf or .safetensors file to replace the source's own denoiser",
    )
    async def add_model(
        self,
        interaction: Interaction,
        source: Source,
        name: Name | None = None,
        revision: Range[str, 1, 100] | None = None,
        variant: Range[str, 1, 50] | None = None,
        denoiser: Source | None = None,
    ) -> None:
        """Add a model: see what it is and how it will run, then download it"""
        require_owner(interaction)
        pending = PendingModel(
            number=interaction.id,
            source=source.strip(),
            revision=revision,
            variant=variant,
            denoiser=denoiser,
            name=name,
            message_ref=MessageRef.of(interaction, await channel_language(interaction)),
        )
        await interaction.client.services[ModelDownloads].propose(interaction, pending)

    @app_commands.command(name="remove")
    @app_commands.describe(name="A model that was added with a command")
    async def remove_model(self, interaction: Interaction, name: Name) -> None:
        """Remove a model that was added and free its disk space; asks first"""
        require_owner(interaction)
        model = self._studio.models.removable(name)
        usage = await asyncio.to_thread(self._studio.model_manager.disk_usage, name)
        view = ui.View(timeout=None)
        for verb in ("remove", "keep"):
            view.add_item(ModelButton(verb, model.name))
        sentences = [say("Remove **{name}**?", name=escaped(model.name))]
        if usage.size:
            sentences.append(say("It takes up {size} on disk.", size=human_size(usage.size)))
        sentences.append(say("Servers that use it switch back to the default model."))
        await interaction.response.send_message(
            join_sentences(*sentences), view=view, ephemeral=True
        )

    @remove_model.autocomplete("name")
    async def _complete_added(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return model_choices([model for model in self._studio.models if model.added], current)
