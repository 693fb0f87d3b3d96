"""The form desk: takes in the modals about pictures, whenever they come."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from cogs.requests.attachments import fetched, require_picture
from cogs.requests.submission import scope_of
from cogs.requests.sizes import fitted_to, nearest_size
from cogs.requests.builder import with_flags
from cogs.actions.fill import MASK
from cogs.actions.modals import FORM, sent, typed, uploaded, with_typed
from cogs.actions.metadata import fitted, request_in
from cogs.requests.capabilities import require_filling, require_starting
from cogs.policy.nsfw import require_shown
from cogs.policy.visibility import unhidden
from engine import ImageRequest, InvalidRequest, Parent, Studio
from speech import say

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
            raise InvalidRequest(
                say("{error}\n-# What you wrote: {text}", error=error.sentence, text=wrote)
            ) from error

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
            width, height = nearest_size(model, *await self._studio.starts.size(match["image"]))
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
        recipe = (await unhidden(interaction, picture.job_id)).recipe
        request = replace(with_typed(ImageRequest.of(recipe), fields), count=1)
        if match["kind"] == "fill":
            await self._fill(interaction, picture, match["parts"], request)
            return
        if match["kind"] == "start":
            await require_shown(interaction, picture.job_id)
            await interaction.client.desk.think(interaction, source=picture.job_id)
            image = await self._studio.starts.of(picture)
            request = replace(request, image=image, mask=None, seed=None, enlarged=1)
            request = fitted_to(self._studio.models[recipe.model], request)
        await self._paint(interaction, request, picture)

    async def _fill(
        self,
        interaction: "discord.Interaction[Atelier]",
        picture: Parent,
        parts: str,
        request: ImageRequest,
    ) -> None:
        """Paint some parts of the picture anew, or what the mask that was sent marks.

        Raises:
            InvalidRequest: When a flag in the prompt wants another shape, too.
        """
        starts = self._studio.starts
        shape = request.width, request.height
        scope = scope_of(interaction)
        request = await with_flags(self._studio, replace(request, seed=None), scope)
        if (request.width, request.height) != shape:
            raise InvalidRequest(
                say("A picture that is filled keeps its shape: leave `--ar` and `--size` out.")
            )
        assert request.model is not None, "it was a recipe's, or a flag's"
        model = self._studio.models[request.model]
        require_filling(model)
        await require_shown(interaction, picture.job_id)
        if parts == MASK:
            mask = uploaded(interaction)
            require_picture(mask)
            await interaction.client.desk.think(interaction, source=picture.job_id)
            start = await starts.masked(picture, await fetched(mask), model)
        else:
            await interaction.client.desk.think(interaction, source=picture.job_id)
            start = await starts.filling(picture, {int(part) for part in parts}, model)
        request = replace(
            start.under(request),
            strength=request.strength,
            seed=request.seed,
            count=request.count,
        )
        await interaction.client.desk.take(interaction, request, picture)

    async def _paint(
        self,
        interaction: "discord.Interaction[Atelier]",
        request: ImageRequest,
        picture: Parent | None = None,
    ) -> None:
        request = await with_flags(self._studio, request, scope_of(interaction))
        if request.mask is not None and request.model is not None:
            require_filling(self._studio.models[request.model])
        await interaction.client.desk.take(interaction, request, picture)
