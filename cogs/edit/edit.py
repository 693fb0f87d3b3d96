"""/edit changes pictures by words; /blend makes one of several."""

from collections.abc import Callable

import discord
from discord import app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from cogs.context import Interaction
from cogs.policy.contexts import anywhere
from cogs.policy.model_capabilities import can_blend, can_edit
from cogs.policy.request_context import request_context
from cogs.requests.builder import TypedRequest
from cogs.requests.choices import model_choices
from cogs.requests.editing import BLEND, Sources, edit
from cogs.requests.options import Loras, Name, Prompt, Seed, Size
from engine import MAX_COUNT, ImageRequest, Model, Studio


class Edit(commands.Cog):
    """The commands."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command()
    @anywhere
    @app_commands.describe(
        prompt="What to change, like “make it night” or “put the dog of picture 2 in picture 1”",
        image="The picture to edit",
        image2="A second picture to take something from",
        image3="A third picture",
        image4="A fourth picture",
        model="The model to edit with; only some can",
        size="Shape and size of the result; by default those of the first picture",
        count="How many results",
        seed="The same seed and settings give the same picture",
        lora="A LoRA by name, like fox or fox:0.8; separate several with commas",
        private="Show the result only to you; your /me defaults apply if omitted",
    )
    async def edit(
        self,
        interaction: Interaction,
        prompt: Prompt,
        image: discord.Attachment,
        image2: discord.Attachment | None = None,
        image3: discord.Attachment | None = None,
        image4: discord.Attachment | None = None,
        model: Name | None = None,
        size: Size | None = None,
        count: Range[int, 1, MAX_COUNT] = 1,
        seed: Seed | None = None,
        lora: Loras | None = None,
        private: bool | None = None,
    ) -> None:
        """Change a picture by saying what to change"""
        request = ImageRequest(prompt=prompt, model=model, count=count, seed=seed)
        given = [each for each in (image, image2, image3, image4) if each is not None]
        typed = TypedRequest(request=request, size=size, lora=lora)
        await edit(interaction, typed, Sources(attachments=given), private=private)

    @app_commands.command()
    @anywhere
    @app_commands.describe(
        image="The first picture",
        image2="The second picture",
        image3="A third picture",
        image4="A fourth picture",
        prompt="How to combine them, like “the dog of picture 1 in the room of picture 2”",
        model="The model to combine them with; only some can",
        size="Shape and size of the result",
        count="How many results",
        private="Show the result only to you; your /me defaults apply if omitted",
    )
    async def blend(
        self,
        interaction: Interaction,
        image: discord.Attachment,
        image2: discord.Attachment,
        image3: discord.Attachment | None = None,
        image4: discord.Attachment | None = None,
        prompt: Prompt | None = None,
        model: Name | None = None,
        size: Size | None = None,
        count: Range[int, 1, MAX_COUNT] = 1,
        private: bool | None = None,
    ) -> None:
        """Combine two to four pictures into one"""
        request = ImageRequest(prompt=prompt or BLEND, model=model, count=count)
        given = [each for each in (image, image2, image3, image4) if each is not None]
        typed = TypedRequest(request=request, size=size)
        sources = Sources(attachments=given)
        await edit(interaction, typed, sources, private=private, blend=True)

    @edit.autocomplete("model")
    async def _editing(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return await self._models(interaction, current, can_edit)

    @blend.autocomplete("model")
    async def _blending(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return await self._models(interaction, current, can_blend)

    async def _models(
        self, interaction: Interaction, current: str, able: Callable[[Model], bool]
    ) -> list[Choice[str]]:
        allowed = (await request_context(interaction)).models.allowed
        models = (
            model
            for model in self._studio.models
            if able(model) and (allowed is None or model.name in allowed)
        )
        return model_choices(models, current)
