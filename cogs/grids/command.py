"""/grid: a comparison sheet, one picture for each pair of values."""

import secrets
from dataclasses import replace

import discord
from discord import app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from cogs.context import Interaction
from cogs.grids.axes import AXIS_KINDS, called, changed, read_axis, title
from cogs.grids.axis_choices import axis_choices
from cogs.policy.contexts import scope_of
from cogs.policy.privacy import user_scope
from cogs.requests.attachments import keep, require_picture
from cogs.requests.autocomplete import OptionAutocomplete, OptionChoices
from cogs.requests.builder import RequestBuilder, TypedRequest, require_init_image
from cogs.requests.confirmations import Confirmations
from cogs.requests.submission import Submission
from engine import (
    MAX_CELLS,
    MAX_GUIDANCE,
    MAX_PROMPT,
    MAX_SEED,
    MAX_STEPS,
    GridLayout,
    ImageRequest,
    InvalidRequest,
    Studio,
    StyleBook,
    expand_dynamic_prompt,
    with_init_image,
)
from speech import say

AXES = [Choice(name=title(kind), value=kind) for kind in AXIS_KINDS]

Values = Range[str, 1, 400]


class GridCommand(OptionAutocomplete, commands.Cog):
    """The command for comparison sheets."""

    def __init__(self, studio: Studio, book: StyleBook) -> None:
        self._studio = studio
        self._asking = RequestBuilder(studio, book)
        self._completions = OptionChoices(studio, book)

    @OptionAutocomplete.options
    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.describe(
        prompt="What the pictures show; flags like --ar 3:2 work too",
        x="What changes from left to right",
        x_values="Its values: 3, 5, 7 or 1-9:2, or names separated by commas",
        y="What changes from top to bottom; nothing if omitted",
        y_values="Its values, in the same form",
        negative_prompt="What the pictures shouldn't show",
        size="Shape and size of each picture",
        seed="Seed of all pictures; random if omitted",
        steps="Denoising steps; more take longer and add detail",
        guidance="How closely to follow the prompt",
        model="The model to paint with",
        scheduler="Sampling method",
        image="The start image (img2img)",
        strength="How much to change the start image: 0.3 keeps most of it, 0.8 little",
        lora="A LoRA by name, like fox or fox:0.8; separate several with commas",
        style="A style of this server, or “none”",
        private="Show the result only to you; your /me defaults apply if omitted",
    )
    @app_commands.choices(x=AXES, y=AXES)
    async def grid(
        self,
        interaction: Interaction,
        prompt: Range[str, 1, MAX_PROMPT],
        x: Choice[str],
        x_values: Values,
        y: Choice[str] | None = None,
        y_values: Values | None = None,
        negative_prompt: Range[str, 1, MAX_PROMPT] | None = None,
        size: Range[str, 3, 20] | None = None,
        seed: Range[int, 0, MAX_SEED] | None = None,
        steps: Range[int, 1, MAX_STEPS] | None = None,
        guidance: Range[float, 0.0, MAX_GUIDANCE] | None = None,
        model: Range[str, 1, 50] | None = None,
        scheduler: Range[str, 1, 50] | None = None,
        image: discord.Attachment | None = None,
        strength: Range[float, 0.05, 1.0] | None = None,
        lora: Range[str, 1, 200] | None = None,
        style: Range[str, 1, 50] | None = None,
        private: bool | None = None,
    ) -> None:
        """Paint a grid of pictures that differ in one or two settings"""
        asked = ImageRequest(
            prompt=_alone(prompt),
            negative_prompt=negative_prompt or "",
            model=model,
            num_inference_steps=steps,
            guidance_scale=guidance,
            seed=seed,
            scheduler=scheduler,
            strength=strength,
        )
        typed = TypedRequest(request=asked, size=size, lora=lora, style=style)
        kinds = [(x.value, x_values)]
        if y is not None and y_values is not None:
            kinds.append((y.value, y_values))
        elif y is not None or y_values is not None:
            raise InvalidRequest(say("The second axis needs both `y` and `y_values`."))
        scope, person = scope_of(interaction), user_scope(interaction)
        layout, requests = await self._cells(typed, kinds, scope, person)
        for request in requests:
            require_init_image(request, starts=image is not None)
        if image is not None:
            require_picture(image)
            await interaction.client.services[Submission].think(interaction, private=private)
            kept = await keep(image, self._studio)
            shape = await self._studio.init_images.size(kept)
            requests = [
                with_init_image(
                    request, kept, None, shape, await self._asking.model_of(request, scope)
                )
                for request in requests
            ]
        await interaction.client.services[Confirmations].ask(
            interaction, requests, private=private, layout=layout
        )

    async def _cells(
        self, typed: TypedRequest, kinds: list[tuple[str, str]], scope: str, person: str
    ) -> tuple[GridLayout, list[ImageRequest]]:
        """The layout, and what each cell shows, row by row; what was left to chance is the same.

        Raises:
            AtelierError: When it makes no sense; the text is for the person.
        """
        if len(kinds) == 2 and kinds[0][0] == kinds[1][0] != "words":
            raise InvalidRequest(
                say("Both axes are “{axis}”. Choose another one.", axis=called(title(kinds[0][0])))
            )
        axes = [read_axis(kind, text, self._studio.models) for kind, text in kinds]
        layout = (
            GridLayout(columns=axes[0], rows=axes[1])
            if len(axes) == 2
            else GridLayout(columns=axes[0])
        )
        if not 2 <= layout.count <= MAX_CELLS:
            raise InvalidRequest(
                say(
                    "A grid has 2 to {most} pictures; this one would have {count}.",
                    most=MAX_CELLS,
                    count=layout.count,
                )
            )
        requests = []
        for cell in range(layout.count):
            one, places = typed, divmod(cell, len(layout.columns.labels))[::-1]
            for (kind, _), axis, place in zip(kinds, axes, places, strict=False):
                one = changed(one, kind, axis, place)
            requests.append(await self._asking.request(one, scope, person))
        seed = secrets.randbelow(MAX_SEED + 1)
        return layout, [
            replace(request, seed=seed) if request.seed is None else request for request in requests
        ]

    @grid.autocomplete("x_values")
    async def _complete_x(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return await axis_choices(self._completions, interaction.namespace.x, interaction, current)

    @grid.autocomplete("y_values")
    async def _complete_y(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return await axis_choices(self._completions, interaction.namespace.y, interaction, current)


def _alone(prompt: str) -> str:
    """The one prompt that `prompt` stands for, its lots drawn once for all cells.

    Raises:
        InvalidRequest: When it stands for several.
    """
    prompts = expand_dynamic_prompt(prompt)
    if len(prompts) > 1:
        raise InvalidRequest(
            say(
                "The braces give {count} prompts, but a grid takes one. Use an axis with "
                "“words” instead.",
                count=len(prompts),
            )
        )
    return prompts[0]
