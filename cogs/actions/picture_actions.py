"""What the buttons under a picture do. New pictures are jobs of the member who clicked."""

from dataclasses import replace
from functools import partial

import discord

from cogs.actions.details import code_block
from cogs.actions.modals import edit_modal, init_image_modal, remix_modal
from cogs.context import Interaction
from cogs.policy.model_capabilities import can_start_from_images, require_img2img
from cogs.policy.request_context import request_context
from cogs.requests.answers import defer_for
from cogs.requests.describing import describe_finished
from cogs.requests.editing import require_editing_model
from cogs.requests.sizes import fit_to_model
from cogs.requests.submission import Submission
from engine import ImageRequest, InvalidRequest, Parent, parameters, require_not_enlarged
from speech import say

SUBTLE_STRENGTH, STRONG_STRENGTH = 0.35, 0.65
"""How much a variation may differ from its picture (0–1)."""

UPSCALE_FACTOR, UPSCALE_STRENGTH = 2, 0.35
"""How many times as large an upscaled picture is, and how much of it is repainted (0–1)."""


async def subtle(interaction: Interaction, picture: Parent) -> None:
    """Paint a variation that stays close to the picture."""
    await _vary(interaction, picture, SUBTLE_STRENGTH)


async def strong(interaction: Interaction, picture: Parent) -> None:
    """Paint a variation that differs more."""
    await _vary(interaction, picture, STRONG_STRENGTH)


async def _vary(interaction: Interaction, picture: Parent, strength: float) -> None:
    """Paint from the picture with a new seed; if its model can't, only with the new seed."""
    studio = interaction.client.studio
    recipe = (await studio.job(picture.job_id)).recipe
    request = replace(ImageRequest.of(recipe), seed=None, enlarged=1)
    if can_start_from_images(studio.models[recipe.model]):
        await defer_for(interaction, [request], source=picture.job_id)
        image = await studio.init_images.keep_finished(picture)
        request = replace(request, image=image, mask=None, strength=strength)
        request = fit_to_model(studio.models[recipe.model], request)
    await interaction.client.services[Submission].submit(interaction, request, picture)


async def upscale(interaction: Interaction, picture: Parent) -> None:
    """Repaint the picture at twice the size, which adds detail."""
    studio = interaction.client.studio
    recipe = (await studio.job(picture.job_id)).recipe
    model = studio.models[recipe.model]
    if not can_start_from_images(model):
        raise InvalidRequest(
            say(
                "{model} can't start from a picture, so it can't upscale this one. “Upscale 2× "
                "(fast)” works with any model.",
                model=model.name,
            )
        )
    factor = UPSCALE_FACTOR * recipe.enlarged
    width, height = factor * recipe.width, factor * recipe.height
    if max(width, height) > model.max_upscaled_side:
        require_not_enlarged(recipe)
        raise InvalidRequest(
            say(
                "That would be {width}×{height}, but {model} paints at most {most} pixels per "
                "side. “Upscale 2× (fast)” works with any model.",
                width=width,
                height=height,
                model=model.name,
                most=model.max_upscaled_side,
            )
        )
    request = replace(
        ImageRequest.of(recipe), seed=recipe.seeds[picture.number], count=1, enlarged=1
    )
    await defer_for(interaction, [request], source=picture.job_id)
    request = replace(
        request,
        image=await studio.init_images.keep_finished(picture),
        mask=None,
        strength=UPSCALE_STRENGTH,
        width=width,
        height=height,
    )
    await interaction.client.services[Submission].submit(interaction, request, picture)


async def remove_background(interaction: Interaction, picture: Parent) -> None:
    """Make everything around the subject transparent."""
    processes = interaction.client.studio.processes
    if not processes.networks.removes_backgrounds:
        processes.networks.background  # noqa: B018 says how to set it up
    await interaction.client.services[Submission].process(
        interaction, picture, partial(processes.remove_background, picture)
    )


async def describe(interaction: Interaction, picture: Parent) -> None:
    """Say in words what the picture shows, in up to four prompts."""
    await describe_finished(interaction, picture)


async def start(interaction: Interaction, picture: Parent) -> None:
    """Ask for a prompt and start from the picture (img2img)."""
    recipe = (await interaction.client.studio.job(picture.job_id)).recipe
    require_img2img(interaction.client.studio.models[recipe.model])
    await interaction.response.send_modal(init_image_modal(picture, recipe.prompt))


async def edit(interaction: Interaction, picture: Parent) -> None:
    """Ask what to change in the picture."""
    require_editing_model(await request_context(interaction))
    await interaction.response.send_modal(edit_modal(picture))


async def remix(interaction: Interaction, picture: Parent) -> None:
    """Change the picture's settings and paint again."""
    recipe = (await interaction.client.studio.job(picture.job_id)).recipe
    request = replace(ImageRequest.of(recipe), seed=recipe.seeds[picture.number])
    await interaction.response.send_modal(remix_modal(picture, request))


async def details(interaction: Interaction, picture: Parent) -> None:
    """Show the settings stored in the file, only to you."""
    recipe = (await interaction.client.studio.job(picture.job_id)).recipe
    text = parameters(recipe, recipe.seeds[picture.number])
    await interaction.response.send_message(
        view=code_block(text), ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
    )
