"""/grid: a comparison grid, one picture for each pair of values."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

import discord
from discord import app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from cogs.context import Interaction
from cogs.grids.axes import apply_axis_value, axis_choices, read_axis
from cogs.grids.axis_kinds import AXIS_KINDS, axis_name, axis_title
from cogs.policy.request_context import request_context
from cogs.requests.answers import defer_for, note_ignored_flags
from cogs.requests.attachments import require_picture, store_image
from cogs.requests.autocomplete import OptionAutocomplete, OptionChoices
from cogs.requests.builder import RequestBuilder, TypedRequest, require_init_image
from cogs.requests.confirmations import Confirmations
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
    MAX_CELLS,
    MAX_SEED,
    GridLayout,
    ImageRequest,
    InvalidRequest,
    Studio,
    expand_dynamic_prompt,
    with_init_image,
)
from speech import say

AXES = [Choice(name=axis_title(kind), value=kind) for kind in AXIS_KINDS]

Values = Range[str, 1, 400]


class GridCommand(OptionAutocomplete, commands.Cog):
    """The command for comparison grids."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._builder = RequestBuilder(studio)
        self._choices = OptionChoices(studio)

    @OptionAutocomplete.add_to
    @app_commands.command()
    @app_commands.guild_only()
    @describe_options
    @app_commands.describe(
        prompt="What the pictures show; flags like --ar 3:2 work too",
        x="What changes from left to right",
        x_values="Its values: 3, 5, 7 or 1-9:2, or names separated by commas",
        y="What changes from top to bottom; nothing if omitted",
        y_values="Its values, in the same form",
        negative_prompt="What the pictures shouldn't show",
        size="Shape and size of each picture",
        seed="Seed of all pictures; random if omitted",
    )
    @app_commands.choices(x=AXES, y=AXES)
    async def grid(
        self,
        interaction: Interaction,
        prompt: Prompt,
        x: Choice[str],
        x_values: Values,
        y: Choice[str] | None = None,
        y_values: Values | None = None,
        negative_prompt: Prompt | None = None,
        size: Size | None = None,
        seed: Seed | None = None,
        steps: Steps | None = None,
        guidance: Guidance | None = None,
        model: Name | None = None,
        scheduler: Name | None = None,
        image: discord.Attachment | None = None,
        strength: Strength | None = None,
        lora: Loras | None = None,
        style: Name | None = None,
        private: bool | None = None,
    ) -> None:
        """Paint a grid of pictures that differ in one or two settings"""
        base = ImageRequest(
            prompt=_single_prompt(prompt),
            negative_prompt=negative_prompt or "",
            model=model,
            num_inference_steps=steps,
            guidance_scale=guidance,
            seed=seed,
            scheduler=scheduler,
            strength=strength,
        )
        typed = TypedRequest(request=base, size=size, lora=lora, style=style)
        typed_axes = [(x.value, x_values)]
        if y is not None and y_values is not None:
            typed_axes.append((y.value, y_values))
        elif y is not None or y_values is not None:
            raise InvalidRequest(say("The second axis needs both `y` and `y_values`."))
        context = await request_context(interaction)
        layout, cells = self._cells(typed, typed_axes)
        requests = _with_seed(self._builder.build_all(cells, context))
        for request in requests:
            require_init_image(request, has_image=image is not None)
        named = await require_usable(interaction, cells, requests)
        if image is not None:
            require_picture(image)
        if image is not None or named:
            source = await private_source(interaction, cells)
            await defer_for(interaction, requests, private=private, source=source, as_one=True)
        if image is not None:
            init_image = await store_image(interaction, image)
            shape = await self._studio.init_images.size(init_image)
            requests = [
                with_init_image(
                    request, init_image, None, shape, self._builder.model_of(request, context)
                )
                for request in requests
            ]
        if named:
            requests = await with_named_pictures(interaction, cells, requests)
        await interaction.client.services[Confirmations].ask(
            interaction, requests, private=private, layout=layout
        )
        await note_ignored_flags(interaction, prompt)

    def _cells(
        self, typed: TypedRequest, typed_axes: list[tuple[str, str]]
    ) -> tuple[GridLayout, list[TypedRequest]]:
        """The layout and the typed options of its cells, row by row, with their flags parsed.

        Args:
            typed: The typed options.
            typed_axes: The kind and the typed values of each axis.

        Raises:
            AtelierError: When something isn't valid; the text is for the user.
        """
        if len(typed_axes) == 2 and typed_axes[0][0] == typed_axes[1][0] != "words":
            raise InvalidRequest(
                say("Both axes are “{axis}”. Choose another one.", axis=axis_name(typed_axes[0][0]))
            )
        axes = [read_axis(kind, text, self._studio.models) for kind, text in typed_axes]
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
        cells = []
        for cell in range(layout.count):
            cell_typed, indices = typed, divmod(cell, len(layout.columns.labels))[::-1]
            for (kind, _), axis, index in zip(typed_axes, axes, indices, strict=False):
                cell_typed = apply_axis_value(cell_typed, kind, axis, index)
            cells.append(cell_typed.parsed())
        return layout, cells

    @grid.autocomplete("x_values")
    async def _complete_x(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return await axis_choices(self._choices, interaction.namespace.x, interaction, current)

    @grid.autocomplete("y_values")
    async def _complete_y(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return await axis_choices(self._choices, interaction.namespace.y, interaction, current)


def _with_seed(requests: Sequence[ImageRequest]) -> list[ImageRequest]:
    """The requests, with the same random seed for those that have none."""
    seed = secrets.randbelow(MAX_SEED + 1)
    return [
        replace(request, seed=seed) if request.seed is None else request for request in requests
    ]


def _single_prompt(prompt: str) -> str:
    """The prompt with its dynamic parts expanded, once for all cells.

    Raises:
        InvalidRequest: When it expands to several prompts.
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
