"""The form desk: takes in the modals about pictures, whenever they come."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from cogs.asking import with_flags
from cogs.desk import scope_of
from cogs.forms import FORM, sent, typed, with_typed
from cogs.policy import require_room
from cogs.readings import fitted, request_in
from cogs.results import require_starting
from cogs.sizes import fitted_to, nearest_size
from engine import ImageRequest, InvalidRequest, Parent, Studio

if TYPE_CHECKING:
    from cogs.bot import Atelier


class FormDesk(commands.Cog):
    """Hears of every modal that is sent; one that discord.py has forgotten is none the worse."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @commands.Cog.listener()
    async def on_interaction(self, interaction: "discord.Interaction[Atelier]") -> None:
        """Take in a modal of ours, under the same policy and error handling as a command."""
        if match := sent(interaction, FORM):
            await interaction.client.tree.guard(interaction, lambda: self._take(interaction, match))

    async def _take(
        self, interaction: "discord.Interaction[Atelier]", match: re.Match[str]
    ) -> None:
        fields = typed(interaction)
        try:
            await self._act_on(interaction, match, fields)
        except InvalidRequest as error:
            if not (wrote := fields["prompt"]):
                raise
            wrote = discord.utils.escape_markdown(wrote)
            raise InvalidRequest(f"{error}\n-# What you wrote: {wrote}") from error

    async def _act_on(
        self,
        interaction: "discord.Interaction[Atelier]",
        match: re.Match[str],
        fields: dict[str, str],
    ) -> None:
        if match["kind"] == "settings":
            assert interaction.message is not None, "its button is on a message"
            model = await self._studio.model_of(scope_of(interaction))
            request = fitted(request_in(interaction.message), self._studio.models, model)
            await self._paint(interaction, with_typed(request, fields))
        elif match["kind"] == "upload":
            model = await self._studio.model_of(scope_of(interaction))
            require_starting(model)
            width, height = nearest_size(model, *await self._studio.image_size(match["image"]))
            start = ImageRequest(prompt="", image=match["image"], width=width, height=height)
            await self._paint(interaction, with_typed(start, fields))
        else:
            await self._go_on(interaction, match, fields)

    async def _go_on(
        self,
        interaction: "discord.Interaction[Atelier]",
        match: re.Match[str],
        fields: dict[str, str],
    ) -> None:
        picture = Parent(int(match["job_id"]), int(match["number"]))
        recipe = (await self._studio.job(picture.job_id)).recipe
        request = replace(with_typed(ImageRequest.of(recipe), fields), count=1)
        if match["kind"] == "start":
            await require_room(interaction)
            await interaction.response.defer(thinking=True)
            image = await self._studio.start_from(picture)
            request = replace(request, image=image, mask=None, seed=None, enlarged=1)
            request = fitted_to(self._studio.models[recipe.model], request)
        await self._paint(interaction, request, picture)

    async def _paint(
        self,
        interaction: "discord.Interaction[Atelier]",
        request: ImageRequest,
        picture: Parent | None = None,
    ) -> None:
        request = await with_flags(self._studio, request, scope_of(interaction))
        await interaction.client.desk.take(interaction, request, picture)
