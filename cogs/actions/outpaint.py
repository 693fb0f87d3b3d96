"""Outpainting: more of a picture around it or beside it, painted from its own prompt."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from cogs.context import Interaction
from cogs.policy.model_capabilities import require_inpaint
from cogs.requests.answers import defer_for
from cogs.requests.submission import Submission
from engine import Direction, ImageRequest, Model, Parent, StoredInitImage

PrepareInitImage = Callable[[Model], Awaitable[StoredInitImage]]


async def zoom_some(interaction: Interaction, picture: Parent) -> None:
    """Shrink the picture 1.5× and paint more around it."""
    await _zoom_out(interaction, picture, 1.5)


async def zoom_double(interaction: Interaction, picture: Parent) -> None:
    """Shrink the picture to half and paint more around it."""
    await _zoom_out(interaction, picture, 2.0)


async def left(interaction: Interaction, picture: Parent) -> None:
    """Paint more to the left."""
    await _pan(interaction, picture, Direction.LEFT)


async def right(interaction: Interaction, picture: Parent) -> None:
    """Paint more to the right."""
    await _pan(interaction, picture, Direction.RIGHT)


async def up(interaction: Interaction, picture: Parent) -> None:
    """Paint more above."""
    await _pan(interaction, picture, Direction.UP)


async def down(interaction: Interaction, picture: Parent) -> None:
    """Paint more below."""
    await _pan(interaction, picture, Direction.DOWN)


async def _zoom_out(interaction: Interaction, picture: Parent, factor: float) -> None:
    init_images = interaction.client.studio.init_images
    await _paint(interaction, picture, lambda model: init_images.zoom_out(picture, factor, model))


async def _pan(interaction: Interaction, picture: Parent, direction: Direction) -> None:
    init_images = interaction.client.studio.init_images
    await _paint(interaction, picture, lambda model: init_images.pan(picture, direction, model))


async def _paint(interaction: Interaction, picture: Parent, prepare: PrepareInitImage) -> None:
    bot = interaction.client
    recipe = (await bot.studio.job(picture.job_id)).recipe
    model = bot.studio.models[recipe.model]
    require_inpaint(model)
    request = replace(ImageRequest.of(recipe), count=1, enlarged=1)
    await defer_for(interaction, [request], source=picture.job_id)
    request = (await prepare(model)).applied_to(request)
    await bot.services[Submission].submit(interaction, request, picture)
