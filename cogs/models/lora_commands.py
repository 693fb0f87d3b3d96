"""/lora: telling about LoRAs; adding and removing them, for the bot's owner."""

from discord import app_commands, ui
from discord.app_commands import Choice, Range
from discord.ext import commands

from cogs.context import Interaction
from cogs.markdown import escaped
from cogs.message_ref import MessageRef
from cogs.messages.replies import reply
from cogs.models.buttons import ModelButton
from cogs.models.downloads import ModelDownloads
from cogs.models.lora_text import lora_info_text, lora_list_text
from cogs.models.owner_commands import Name, Source
from cogs.models.pending_models import PendingModel
from cogs.policy.access import is_owner, require_owner
from cogs.policy.contexts import scope_of
from cogs.policy.request_context import channel_language
from cogs.requests.loras import lora_name_choices
from engine import MAX_ADAPTER_WEIGHT, AdapterCatalogue, Studio, human_size
from speech import join_sentences, say


@app_commands.guild_only()
class Loras(commands.GroupCog, group_name="lora", group_description="The LoRAs to paint with"):
    """The commands about LoRAs."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        super().__init__()

    @app_commands.command(name="info")
    @app_commands.describe(name="Which LoRA; all of them are listed if omitted")
    async def lora_info(
        self, interaction: Interaction, name: Range[str, 1, 100] | None = None
    ) -> None:
        """Show what a LoRA is for, and its trigger words"""
        adapters = self._usable(interaction)
        if name is None:
            await reply(interaction, lora_list_text(adapters))
            return
        name = adapters[name].name
        await interaction.response.defer(ephemeral=True, thinking=True)
        info = await self._studio.adapter_manager.info(name)
        await reply(interaction, lora_info_text(info, for_owner=is_owner(interaction)))

    @app_commands.command(name="add")
    @app_commands.describe(
        source="A Civitai link or civitai:NUMBER, a Hub ID, a file in it after a slash, or a file",
        name="What to call it; named after the source if omitted",
        weight="Its weight when none is asked for; 1 if omitted",
        trigger="Its trigger words; those that Civitai knows if omitted",
    )
    async def add_lora(
        self,
        interaction: Interaction,
        source: Source,
        name: Name | None = None,
        weight: Range[float, -MAX_ADAPTER_WEIGHT, MAX_ADAPTER_WEIGHT] | None = None,
        trigger: Range[str, 1, 200] | None = None,
    ) -> None:
        """Add a LoRA: see what it is for, then download it"""
        require_owner(interaction)
        pending = PendingModel(
            number=interaction.id,
            source=source.strip(),
            revision=None,
            variant=None,
            denoiser=None,
            name=name,
            lora=True,
            weight=weight,
            trigger=trigger,
            message_ref=MessageRef.of(interaction, await channel_language(interaction)),
        )
        await interaction.client.services[ModelDownloads].propose(interaction, pending)

    @app_commands.command(name="remove")
    @app_commands.describe(name="A LoRA that was added with a command")
    async def remove_lora(self, interaction: Interaction, name: Name) -> None:
        """Remove a LoRA that was added and free its disk space; asks first"""
        require_owner(interaction)
        adapter = self._studio.adapters.removable(name)
        await interaction.response.defer(ephemeral=True, thinking=True)
        info = await self._studio.adapter_manager.info(adapter.name)
        view = ui.View(timeout=None)
        for verb in ("removelora", "keep"):
            view.add_item(ModelButton(verb, adapter.name))
        sentences = [say("Remove the LoRA **{name}**?", name=escaped(adapter.name))]
        if info.size:
            sentences.append(say("It takes up {size} on disk.", size=human_size(info.size)))
        await interaction.followup.send(join_sentences(*sentences), view=view, ephemeral=True)

    def _usable(self, interaction: Interaction) -> AdapterCatalogue:
        """The LoRAs that the user can use here."""
        return self._studio.adapters.seen_by(scope_of(interaction), str(interaction.user.id))

    @lora_info.autocomplete("name")
    async def _complete_name(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return lora_name_choices(self._usable(interaction), current)

    @remove_lora.autocomplete("name")
    async def _complete_added(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return lora_name_choices(self._studio.adapters, current, added=True)
