"""Confirmation before many jobs are queued."""

import re
from collections.abc import Sequence
from typing import Any, Protocol, Self

import discord
from discord import ui

from cogs.context import Interaction
from cogs.markdown import escaped_line
from cogs.messages.dynamic_items import Persistent
from cogs.messages.looks import GREY
from cogs.policy.access import require_postable_channel
from cogs.requests.answers import reply_mode_for_jobs, requester_of
from cogs.requests.pending_confirmations import PendingConfirmation, PendingConfirmations
from cogs.requests.submission import Submission
from engine import AtelierError, GridLayout, ImageRequest, Requester, Studio
from speech import say, say_many

MAX_UNCONFIRMED = 4
"""Jobs that one command queues without a confirmation."""

MAX_CHECKED_AT_ONCE = 8
"""Requests that can be checked within the 3 seconds that Discord allows for an answer."""


class ConfirmButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-many:(?P<verb>go|drop):(?P<number>\d{1,19})",
):
    """Queue the jobs, or cancel."""

    def __init__(self, verb: str, number: int, label: str = "…") -> None:
        style = discord.ButtonStyle.primary if verb == "go" else discord.ButtonStyle.secondary
        custom_id = f"atelier-many:{verb}:{number}"
        super().__init__(ui.Button(label=label, style=style, custom_id=custom_id))
        self._verb = verb
        self._number = number

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(match["verb"], int(match["number"]))

    async def act(self, interaction: Interaction) -> None:
        """Paint, or dismiss the question."""
        confirmations = interaction.client.services[Confirmations]
        answer = confirmations.paint if self._verb == "go" else confirmations.dismiss
        await answer(interaction, self._number)


class GridConfirmation(Protocol):
    """Describes and submits a grid that needs a confirmation. The grids feature provides it."""

    async def describe(
        self,
        layout: GridLayout,
        requests: Sequence[ImageRequest],
        requester: Requester,
    ) -> str:
        """The question whether to paint a grid, with an estimate. Raises as `Studio.submit`."""

    async def submit(
        self,
        interaction: Interaction,
        layout: GridLayout,
        requests: Sequence[ImageRequest],
        *,
        private: bool | None = None,
    ) -> None:
        """Submit the grid for the user."""


class Confirmations:
    """Asks users to confirm many jobs, and submits them once they do."""

    def __init__(self, studio: Studio, submission: Submission) -> None:
        self._studio = studio
        self._submission = submission
        self._pending = PendingConfirmations(studio)

    async def ask(
        self,
        interaction: Interaction,
        requests: Sequence[ImageRequest],
        *,
        private: bool | None = None,
        layout: GridLayout | None = None,
    ) -> None:
        """Ask the user, in an ephemeral message, whether to paint all of `requests`.

        Args:
            interaction: The interaction.
            requests: What to paint.
            private: The privacy that the user chose for them, if any.
            layout: The axes, if they are the cells of a grid.

        Raises:
            AtelierError: When they would be refused.
        """
        jobs = len(requests) if layout is None else 1
        reply_mode = await reply_mode_for_jobs(interaction, jobs, private=private)
        await require_postable_channel(interaction, ephemeral=reply_mode.ephemeral)
        deferred_already = interaction.response.is_done()
        if not deferred_already and len(requests) > MAX_CHECKED_AT_ONCE:
            await interaction.response.defer(ephemeral=True, thinking=True)
        confirmation = PendingConfirmation(
            number=interaction.id,
            owner=interaction.user.id,
            requests=tuple(requests),
            private=private,
            layout=layout,
        )
        question = await self._question(interaction, confirmation)
        await self._pending.add(confirmation)
        count = picture_count(sum(request.count for request in requests))
        view = _view(
            question,
            ConfirmButton("go", interaction.id, say("Paint {pictures}", pictures=count)),
            ConfirmButton("drop", interaction.id, say("Cancel")),
        )
        if deferred_already:
            await interaction.delete_original_response()  # it may be public
        send = (
            interaction.followup.send
            if interaction.response.is_done()
            else interaction.response.send_message
        )
        await send(view=view, ephemeral=True, allowed_mentions=discord.AllowedMentions.none())

    async def submit_or_ask(
        self,
        interaction: Interaction,
        requests: Sequence[ImageRequest],
        *,
        private: bool | None = None,
    ) -> None:
        """Submit the requests of one command, if they aren't so many that the user is asked first.

        Raises:
            AtelierError: When they are refused; the text is for the user.
        """
        if len(requests) > MAX_UNCONFIRMED:
            await self.ask(interaction, requests, private=private)
        elif len(requests) > 1:
            await self._submission.submit_all(interaction, requests, private=private)
        else:
            await self._submission.submit(interaction, requests[0], private=private)

    async def _question(self, interaction: Interaction, confirmation: PendingConfirmation) -> str:
        requester = await requester_of(interaction)
        if confirmation.layout is not None:
            grids = interaction.client.services[GridConfirmation]
            return await grids.describe(confirmation.layout, confirmation.requests, requester)
        recipes = await self._studio.check_all(confirmation.requests, requester)
        question = say(
            "**{prompts}, {pictures}.** Paint them all?",
            prompts=say_many("{number} prompt", "{number} prompts", len(recipes)),
            pictures=picture_count(sum(recipe.count for recipe in recipes)),
        )
        return "\n".join([question, *(f"- {excerpt(recipe.prompt)}" for recipe in recipes)])

    async def paint(self, interaction: Interaction, number: int) -> None:
        """Submit the requests under the limits that apply now.

        Raises:
            AtelierError: When they are refused; the question stays open.
        """
        user = interaction.user.id
        await self._pending.require(number, user, interaction.id)
        await interaction.response.defer()
        confirmation = await self._pending.claim(number, user, interaction.id)
        try:
            text = await self._submit(interaction, confirmation)
        except AtelierError:
            await self._pending.add(confirmation)
            raise
        await self._pending.remove(number)
        await interaction.edit_original_response(view=_view(text))

    async def _submit(self, interaction: Interaction, confirmation: PendingConfirmation) -> str:
        """Submit the requests; returns what to tell the user."""
        requests, private = confirmation.requests, confirmation.private
        if confirmation.layout is not None:
            await interaction.client.services[GridConfirmation].submit(
                interaction, confirmation.layout, requests, private=private
            )
            return say("Queued: a grid of {pictures}.", pictures=picture_count(len(requests)))
        if await self._submission.submit_all(
            interaction, requests, as_answer=False, private=private
        ):
            return say_many("Queued: {number} job.", "Queued: {number} jobs.", len(requests))
        return say("Sent to a moderator for review.")

    async def dismiss(self, interaction: Interaction, number: int) -> None:
        """Drop the requests."""
        await self._pending.pop(number, interaction.user.id)
        await interaction.response.edit_message(
            view=_view(say("Cancelled. Nothing will be painted."))
        )


def _view(text: str, *buttons: ConfirmButton) -> ui.LayoutView:
    container: ui.Container[ui.LayoutView] = ui.Container(ui.TextDisplay(text), accent_colour=GREY)
    if buttons:
        container.add_item(ui.ActionRow(*buttons))
    return ui.LayoutView(timeout=None).add_item(container)


def picture_count(number: int) -> str:
    """“1 picture”, “2 pictures” and so on."""
    return say_many("{number} picture", "{number} pictures", number)


def excerpt(text: str, max_length: int = 80) -> str:
    """The text cut to `max_length` characters, with its Markdown escaped."""
    return escaped_line(text, max_length)
