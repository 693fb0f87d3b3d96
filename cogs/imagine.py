"""/imagine: from a prompt to a job."""

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from cogs.attachments import keep, require_picture
from cogs.desk import scope_of
from cogs.loras import lora_choices, parse_loras
from cogs.model_words import model_choices, scheduler_choices
from cogs.policy import require_preflight
from cogs.sizes import parse_size, size_choices
from engine import (
    MAX_COUNT,
    MAX_GUIDANCE,
    MAX_PROMPT,
    MAX_SEED,
    MAX_STEPS,
    ImageRequest,
    InvalidRequest,
    Model,
    Studio,
    allowed_schedulers,
)

if TYPE_CHECKING:
    from cogs.bot import Atelier


class Imagine(commands.Cog):
    """The command that everything is about."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.describe(
        prompt="What the picture shows",
        negative_prompt="What the picture should not show",
        size="Shape and size of the picture",
        count="How many pictures",
        seed="The same seed and settings give the same picture",
        steps="Denoising steps: more take longer and add detail",
        guidance="How closely to follow the prompt",
        model="Which model paints",
        scheduler="The way that noise is taken away, step by step",
        image="A picture to start from",
        strength="How far to leave that picture behind: 0.3 keeps most of it, 0.8 little",
        lora="A LoRA by its name, like fox or fox:0.8; several with commas between them",
    )
    async def imagine(
        self,
        interaction: "discord.Interaction[Atelier]",
        prompt: Range[str, 1, MAX_PROMPT],
        negative_prompt: Range[str, 1, MAX_PROMPT] | None = None,
        size: Range[str, 3, 20] | None = None,
        count: Range[int, 1, MAX_COUNT] = 1,
        seed: Range[int, 0, MAX_SEED] | None = None,
        steps: Range[int, 1, MAX_STEPS] | None = None,
        guidance: Range[float, 0.0, MAX_GUIDANCE] | None = None,
        model: Range[str, 1, 50] | None = None,
        scheduler: Range[str, 1, 50] | None = None,
        image: discord.Attachment | None = None,
        strength: Range[float, 0.05, 1.0] | None = None,
        lora: Range[str, 1, 200] | None = None,
    ) -> None:
        """Paint a picture of what you describe"""
        width, height = parse_size(size, await self._model(interaction, model))
        adapters = parse_loras(lora, self._studio.adapters)
        if strength is not None and image is None:
            raise InvalidRequest("The strength is how far to leave a picture behind: send `image`.")
        kept = None
        if image is not None:
            require_picture(image)
            require_preflight(interaction)
            await interaction.response.defer(thinking=True)
            kept = await keep(image, self._studio)
        request = ImageRequest(
            prompt=prompt,
            negative_prompt=negative_prompt or "",
            model=model,
            width=width,
            height=height,
            num_inference_steps=steps,
            guidance_scale=guidance,
            seed=seed,
            count=count,
            scheduler=scheduler,
            image=kept,
            strength=strength,
            adapters=adapters,
        )
        await interaction.client.desk.take(interaction, request)

    @imagine.autocomplete("model")
    async def _complete_model(
        self, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[str]]:
        allowed = await self._studio.rules.allowed(scope_of(interaction))
        models = (m for m in self._studio.models if allowed is None or m.name in allowed)
        return model_choices(models, current)

    @imagine.autocomplete("size")
    async def _complete_size(
        self, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[str]]:
        return size_choices(await self._chosen(interaction), current)

    @imagine.autocomplete("scheduler")
    async def _complete_scheduler(
        self, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[str]]:
        model = await self._chosen(interaction)
        return scheduler_choices(allowed_schedulers(model.family), current)

    @imagine.autocomplete("lora")
    async def _complete_lora(
        self, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[str]]:
        return lora_choices(self._studio.adapters, await self._chosen(interaction), current)

    async def _chosen(self, interaction: "discord.Interaction[Atelier]") -> Model:
        """The model that has been picked so far, else the server's."""
        named = interaction.namespace.model
        known = named if isinstance(named, str) and named in self._studio.models else None
        return await self._model(interaction, known)

    async def _model(self, interaction: "discord.Interaction[Atelier]", name: str | None) -> Model:
        if name is not None:
            return self._studio.models[name]
        return await self._studio.model_of(scope_of(interaction))
