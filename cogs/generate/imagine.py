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
from cogs.requests.confirmations import Confirmations
from cogs.requests.control import (
    CONTROL_TYPES,
    ControlShare,
    ControlStrength,
    TypedControl,
)
from cogs.requests.named_pictures import private_source, require_usable, with_named_pictures
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
from engine import (
    MAX_COUNT,
    ImageRequest,
    Model,
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
        control="A picture to paint along, such as a pose or a drawing",
        control_type="Along what of it",
        control_strength="How strictly: 1 is as usual, less leaves more freedom",
        control_start="From which share of the steps on; 0 is the beginning",
        control_end="Up to which share of the steps; less leaves the details free",
    )
    @app_commands.choices(control_type=CONTROL_TYPES)
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
        control: discord.Attachment | None = None,
        control_type: str | None = None,
        control_strength: ControlStrength | None = None,
        control_start: ControlShare | None = None,
        control_end: ControlShare | None = None,
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
        along = TypedControl.of(control, control_type, control_strength, control_start, control_end)
        context = await request_context(interaction)

        def model_of(request: ImageRequest) -> Model:
            return self._builder.model_of(request, context)

        variants = typed.variants()
        requests = self._builder.build_all(variants, context)
        for request in requests:
            require_init_image(request, has_image=image is not None, has_mask=mask is not None)
            if mask is not None:
                require_inpaint(model_of(request))
        if along is not None:
            along.require(self._studio, requests, model_of)
        named = await require_usable(interaction, variants, requests)
        for given in (image, mask):
            if given is not None:
                require_picture(given)
        if image is not None or along is not None or named:
            source = await private_source(interaction, variants)
            await defer_for(interaction, requests, private=private, source=source)
        if image is not None:
            init_image = await store_image(interaction, image)
            init_mask = await store_mask(interaction, mask, init_image) if mask else None
            image_size = await self._studio.init_images.size(init_image)
            requests = [
                with_init_image(
                    request,
                    init_image,
                    init_mask,
                    image_size,
                    model_of(request),
                )
                for request in requests
            ]
        if named:
            requests = await with_named_pictures(interaction, variants, requests)
        if along is not None:
            requests = await along.applied_to(interaction, requests, model_of)
        confirmations = interaction.client.services[Confirmations]
        await confirmations.submit_or_ask(interaction, requests, private=private)
        await note_ignored_flags(interaction, prompt)
