"""/imagine: from a prompt to a job."""

import discord
from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from cogs.context import Interaction
from cogs.policy.contexts import anywhere
from cogs.policy.model_capabilities import require_inpaint
from cogs.policy.request_context import request_context
from cogs.requests.answers import defer_for, note_ignored_flags
from cogs.requests.attachments import require_picture, store_image, store_mask
from cogs.requests.autocomplete import OptionAutocomplete, OptionChoices
from cogs.requests.builder import RequestBuilder, TypedRequest, require_init_image
from cogs.requests.confirmations import MAX_UNCONFIRMED, Confirmations
from cogs.requests.options import (
    Guidance,
    Loras,
    Name,
    Prompt,
    Seed,
    Size,
    Steps,
    Strength,
    describe_options,
)
from cogs.requests.submission import Submission
from engine import (
    MAX_COUNT,
    ImageRequest,
    Studio,
    with_init_image,
)


class Imagine(OptionAutocomplete, commands.Cog):
    """The command to paint a picture."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._builder = RequestBuilder(studio)
        self._choices = OptionChoices(studio)

    @OptionAutocomplete.add_to
    @app_commands.command()
    @anywhere
    @describe_options
    @app_commands.describe(
        prompt="What the picture shows; try --ar 3:2 --no rain --seed 7, {red, blue} house",
        negative_prompt="What the picture shouldn't show",
        size="Shape and size of the picture",
        count="How many pictures",
        seed="The same seed and settings give the same picture",
        mask="What to repaint: white areas in a picture of the same shape",
    )
    async def imagine(
        self,
        interaction: Interaction,
        prompt: Prompt,
        negative_prompt: Prompt | None = None,
        size: Size | None = None,
        count: Range[int, 1, MAX_COUNT] = 1,
        seed: Seed | None = None,
        steps: Steps | None = None,
        guidance: Guidance | None = None,
        model: Name | None = None,
        scheduler: Name | None = None,
        image: discord.Attachment | None = None,
        strength: Strength | None = None,
        mask: discord.Attachment | None = None,
        lora: Loras | None = None,
        style: Name | None = None,
        private: bool | None = None,
    ) -> None:
        """Paint a picture of what you describe"""
        options = ImageRequest(
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
        typed = TypedRequest(request=options, size=size, lora=lora, style=style)
        context = await request_context(interaction)
        requests = self._builder.build_all(typed, context)
        for request in requests:
            require_init_image(request, has_image=image is not None, has_mask=mask is not None)
            if mask is not None:
                require_inpaint(self._builder.model_of(request, context))
        if image is not None:
            require_picture(image)
            if mask is not None:
                require_picture(mask)
            await defer_for(interaction, requests, private=private)
            init_image = await store_image(interaction, image)
            init_mask = await store_mask(interaction, mask, init_image) if mask else None
            image_size = await self._studio.init_images.size(init_image)
            requests = [
                with_init_image(
                    request,
                    init_image,
                    init_mask,
                    image_size,
                    self._builder.model_of(request, context),
                )
                for request in requests
            ]
        if len(requests) > MAX_UNCONFIRMED:
            await interaction.client.services[Confirmations].ask(
                interaction, requests, private=private
            )
        elif len(requests) > 1:
            await interaction.client.services[Submission].submit_all(
                interaction, requests, private=private
            )
        else:
            await interaction.client.services[Submission].submit(
                interaction, requests[0], private=private
            )
        await note_ignored_flags(interaction, prompt)
