"""Outwards: more room around a picture, or at one side of it, is painted by its own prompt."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import discord

from cogs.requests.capabilities import require_inpaint
from engine import Direction, ImageRequest, Model, Parent, StoredInitImage

if TYPE_CHECKING:
    from cogs.bot import Atelier

Lay = Callable[[Model], Awaitable[StoredInitImage]]


async def zoom_some(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Paint what is around the picture, which becomes 1.5 times as small."""
    await _zoom_out(interaction, picture, 1.5)


async def zoom_double(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Paint what is around the picture, which becomes half as large."""
    await _zoom_out(interaction, picture, 2.0)


async def left(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Paint what is left of the picture."""
    await _pan(interaction, picture, Direction.LEFT)


async def right(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Paint what is right of the picture."""
    await _pan(interaction, picture, Direction.RIGHT)


async def up(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Paint what is above the picture."""
    await _pan(interaction, picture, Direction.UP)


async def down(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Paint what is below the picture."""
    await _pan(interaction, picture, Direction.DOWN)


async def _zoom_out(
    interaction: "discord.Interaction[Atelier]", picture: Parent, factor: float
) -> None:
    starts = interaction.client.studio.init_images
    await _paint(interaction, picture, lambda model: starts.zoom_out(picture, factor, model))


async def _pan(
    interaction: "discord.Interaction[Atelier]", picture: Parent, way: Direction
) -> None:
    starts = interaction.client.studio.init_images
    await _paint(interaction, picture, lambda model: starts.pan(picture, way, model))


async def _paint(interaction: "discord.Interaction[Atelier]", picture: Parent, lay: Lay) -> None:
    bot = interaction.client
    recipe = (await bot.studio.job(picture.job_id)).recipe
    model = bot.studio.models[recipe.model]
    require_inpaint(model)
    await bot.submission.think(interaction, source=picture.job_id)
    start = await lay(model)
    await bot.submission.take(interaction, start.under(ImageRequest.of(recipe)), picture)
