"""/model: which models there are, which one is used here, and what it does by default."""

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from cogs.desk import scope_of
from cogs.policy import require_manager
from cogs.replies import MOST, reply
from engine import Catalogue, Model, Studio

if TYPE_CHECKING:
    from cogs.bot import Atelier

MOST_CHOICES = 25
"""Discord's limit for autocomplete."""


@app_commands.guild_only()
class Models(commands.GroupCog, group_name="model", group_description="The models that paint here"):
    """The commands about models."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        super().__init__()

    @app_commands.command(name="list")
    async def list_models(self, interaction: "discord.Interaction[Atelier]") -> None:
        """Show the models that you can paint with"""
        used = await self._studio.model_of(scope_of(interaction))
        await reply(interaction, listing(self._studio.models, used))

    @app_commands.command(name="use")
    @app_commands.describe(name="The model that paints when nobody names one")
    async def use_model(
        self, interaction: "discord.Interaction[Atelier]", name: Range[str, 1, 50]
    ) -> None:
        """Choose the model that this server paints with"""
        require_manager(interaction)
        model = await self._studio.use_model(name, scope_of(interaction))
        await interaction.response.send_message(
            f"This server now paints with **{model.name}**. What is queued already keeps its model."
        )

    @app_commands.command(name="info")
    @app_commands.describe(name="Which model; left out, the one that this server uses")
    async def model_info(
        self, interaction: "discord.Interaction[Atelier]", name: Range[str, 1, 50] | None = None
    ) -> None:
        """Show what a model does by default, and its sizes"""
        models = self._studio.models
        model = models[name] if name else await self._studio.model_of(scope_of(interaction))
        await reply(interaction, describe(model))

    @use_model.autocomplete("name")
    @model_info.autocomplete("name")
    async def _complete_name(
        self, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[str]]:
        return model_choices(self._studio.models, current)


def listing(models: Catalogue, used: Model) -> str:
    """All models, `used` marked; by name alone when there are too many to describe."""
    head = f"This server paints with **{used.name}**."
    lines = [
        f"{'**→**' if model == used else '•'} **{model.name}** {model.description}"
        for model in models
    ]
    text = "\n".join([head, *lines])
    if len(text) <= MOST:
        return text
    return f"{head} Others: {', '.join(m.name for m in models if m != used)}"


def model_choices(models: Catalogue, current: str) -> list[Choice[str]]:
    """The models whose name or description contains what is typed."""
    typed = current.strip().lower()
    found = [m for m in models if typed in m.name.lower() or typed in m.description.lower()]
    return [
        Choice(name=f"{m.name}: {m.description}"[:100] if m.description else m.name, value=m.name)
        for m in found[:MOST_CHOICES]
    ]


def describe(model: Model) -> str:
    """A few lines on a model."""
    sizes = ", ".join(f"{size.ratio} {size.width}×{size.height}" for size in model.sizes)
    return "\n".join(
        [
            f"**{model.name}** {model.description}",
            f"Steps {model.num_inference_steps} · guidance {model.guidance_scale:g} · "
            f"scheduler {model.scheduler}",
            f"Sizes: {sizes}; any from {model.min_side} to {model.max_side} pixels a side in steps "
            f"of {model.multiple_of}",
        ]
    )
