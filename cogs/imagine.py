"""/imagine: from a prompt to a job."""

from dataclasses import replace
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from cogs.asking import Asking, Typed, require_start
from cogs.attachments import keep, require_picture
from cogs.confirm import MOST_UNASKED
from cogs.desk import scope_of
from cogs.loras import lora_choices
from cogs.me import person_of
from cogs.model_words import model_choices, scheduler_choices
from cogs.policy import require_room
from cogs.sizes import size_choices
from cogs.styles import style_choices
from engine import (
    MAX_COUNT,
    MAX_GUIDANCE,
    MAX_PROMPT,
    MAX_SEED,
    MAX_STEPS,
    ImageRequest,
    Model,
    Studio,
    StyleBook,
    allowed_schedulers,
)

if TYPE_CHECKING:
    from cogs.bot import Atelier


class Imagine(commands.Cog):
    """The command that everything is about."""

    def __init__(self, studio: Studio, book: StyleBook) -> None:
        self._studio = studio
        self._book = book
        self._asking = Asking(studio, book)

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.describe(
        prompt="What the picture shows; also --ar 3:2 --no rain --seed 7, {red, blue} house",
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
        style="A style of this server; “none” for none",
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
        style: Range[str, 1, 50] | None = None,
    ) -> None:
        """Paint a picture of what you describe"""
        asked = ImageRequest(
            prompt=prompt,
            negative_prompt=negative_prompt or "",
            model=model,
            num_inference_steps=steps,
            guidance_scale=guidance,
            seed=seed,
            count=count,
            scheduler=scheduler,
            strength=strength,
        )
        typed = Typed(request=asked, size=size, lora=lora, style=style)
        scope, person = scope_of(interaction), person_of(interaction)
        requests = await self._asking.requests(typed, scope, person)
        for request in requests:
            require_start(request, starts=image is not None)
        if image is not None:
            require_picture(image)
            await require_room(interaction)
            await interaction.response.defer(thinking=True)
            kept = await keep(image, self._studio)
            requests = [replace(request, image=kept) for request in requests]
        if len(requests) > MOST_UNASKED:
            await interaction.client.confirmations.ask(interaction, requests)
        elif len(requests) > 1:
            await interaction.client.desk.take_all(interaction, requests)
        else:
            await interaction.client.desk.take(interaction, requests[0])

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

    @imagine.autocomplete("style")
    async def _complete_style(
        self, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[str]]:
        return style_choices(await self._book.all(scope_of(interaction)), current)

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
