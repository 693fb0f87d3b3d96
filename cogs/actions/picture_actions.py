"""What can be made of one picture by a click, as a job of whoever clicks, and told of it."""

from dataclasses import replace
from typing import TYPE_CHECKING

import discord

from cogs.requests.sizes import fitted_to
from cogs.actions.modals import remix_form, start_form
from cogs.actions.details import fenced, send_to_dm
from cogs.requests.capabilities import require_starting, starts_from_pictures
from engine import ImageRequest, InvalidRequest, Parent, parameters
from speech import say

if TYPE_CHECKING:
    from cogs.bot import Atelier

SUBTLE, STRONG = 0.35, 0.65
"""How far a variation leaves its picture behind."""

UPSCALE, UPSCALE_STRENGTH = 2, 0.35
"""Times as large, and how much of that picture is painted anew."""


async def subtle(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Paint it again, much like it is."""
    await _vary(interaction, picture, SUBTLE)


async def strong(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Paint it again, rather unlike it is."""
    await _vary(interaction, picture, STRONG)


async def _vary(
    interaction: "discord.Interaction[Atelier]", picture: Parent, strength: float
) -> None:
    """From the picture with a new seed; a family that cannot start from one gets the new seed."""
    studio = interaction.client.studio
    recipe = (await studio.job(picture.job_id)).recipe
    request = replace(ImageRequest.of(recipe), seed=None, enlarged=1)
    if starts_from_pictures(studio.models[recipe.model]):
        await interaction.client.desk.think(interaction, source=picture.job_id)
        image = await studio.starts.of(picture)
        request = replace(request, image=image, mask=None, strength=strength)
        request = fitted_to(studio.models[recipe.model], request)
    await interaction.client.desk.take(interaction, request, picture)


async def upscale(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Paint it anew at twice the size, from itself, so that it gains detail."""
    studio = interaction.client.studio
    recipe = (await studio.job(picture.job_id)).recipe
    model = studio.models[recipe.model]
    if not starts_from_pictures(model):
        raise InvalidRequest(
            say(
                "{model} cannot start from a picture, so it cannot paint this one larger: "
                "Upscale 2× (fast) works with any.",
                model=model.name,
            )
        )
    width, height = UPSCALE * recipe.width, UPSCALE * recipe.height
    if max(width, height) > model.max_upscaled_side:
        raise InvalidRequest(
            say(
                "That would be {width}×{height}; {model} paints at most {most} pixels a side: "
                "Upscale 2× (fast) works with any.",
                width=width,
                height=height,
                model=model.name,
                most=model.max_upscaled_side,
            )
        )
    await interaction.client.desk.think(interaction, source=picture.job_id)
    request = replace(
        ImageRequest.of(recipe),
        image=await studio.starts.of(picture),
        mask=None,
        strength=UPSCALE_STRENGTH,
        width=width,
        height=height,
        seed=recipe.seeds[picture.number],
        count=1,
        enlarged=1,
    )
    await interaction.client.desk.take(interaction, request, picture)


async def double(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Resize it to twice the size, without the painter."""
    await interaction.client.desk.enlarge(interaction, picture, 2)


async def quadruple(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Resize it to four times the size, without the painter."""
    await interaction.client.desk.enlarge(interaction, picture, 4)


async def start(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Ask what to make of it."""
    recipe = (await interaction.client.studio.job(picture.job_id)).recipe
    require_starting(interaction.client.studio.models[recipe.model])
    await interaction.response.send_modal(start_form(picture, recipe.prompt))


async def remix(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Show its settings to be changed."""
    recipe = (await interaction.client.studio.job(picture.job_id)).recipe
    request = replace(ImageRequest.of(recipe), seed=recipe.seeds[picture.number])
    await interaction.response.send_modal(remix_form(picture, request))


async def details(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Tell the settings as they are in the file, to whoever asked."""
    recipe = (await interaction.client.studio.job(picture.job_id)).recipe
    text = parameters(recipe, recipe.seeds[picture.number])
    await interaction.response.send_message(
        view=fenced(text), ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
    )


async def keep(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Send it to whoever clicked, as a direct message."""
    await send_to_dm(interaction, picture)
