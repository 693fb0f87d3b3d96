"""/imagine: from a prompt to a job."""

import re
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from cogs.desk import scope_of
from cogs.models import model_choices
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
    ) -> None:
        """Paint a picture of what you describe"""
        width, height = parse_size(size, await self._model(interaction, model))
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
        )
        await interaction.client.desk.take(interaction, request)

    @imagine.autocomplete("model")
    async def _complete_model(
        self, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[str]]:
        return model_choices(self._studio.models, current)

    @imagine.autocomplete("size")
    async def _complete_size(
        self, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[str]]:
        named = interaction.namespace.model
        known = named if isinstance(named, str) and named in self._studio.models else None
        return size_choices(await self._model(interaction, known), current)

    async def _model(self, interaction: "discord.Interaction[Atelier]", name: str | None) -> Model:
        if name is not None:
            return self._studio.models[name]
        return await self._studio.model_of(scope_of(interaction))


def size_choices(model: Model, current: str) -> list[Choice[str]]:
    """The sizes that `model` offers whose name or pixels contain what is typed."""
    choices = []
    for ratio, width, height in model.sizes:
        shape = "square" if width == height else "landscape" if width > height else "portrait"
        choices.append(
            Choice(name=f"{shape} {ratio} ({width}×{height})", value=f"{width}x{height}")
        )
    typed = current.strip().lower()
    return [choice for choice in choices if typed in choice.name or typed in choice.value]


def parse_size(text: str | None, model: Model) -> tuple[int | None, int | None]:
    """Width and height in pixels from “640x480”, “3:2” or a shape; `None` leaves them open.

    Raises:
        InvalidRequest: When the text names no size, or none that the model offers.
    """
    if text is None:
        return None, None
    wanted = text.strip().lower().replace("×", "x")
    if sides := re.fullmatch(r"(\d{1,5})\s*x\s*(\d{1,5})", wanted):
        return int(sides[1]), int(sides[2])
    for choice in size_choices(model, ""):
        if wanted in (choice.name, *choice.name.split()):
            width, _, height = choice.value.partition("x")
            return int(width), int(height)
    offered = ", ".join(f"{size.ratio} ({size.width}x{size.height})" for size in model.sizes)
    raise InvalidRequest(f"“{text}” is no size. {model.name} offers {offered}.")
