"""Confirmation before many jobs are queued. Pending questions outlive a restart."""

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self

import discord
from discord import ui

from cogs.context import Interaction
from cogs.messages.dynamic_items import Persistent
from cogs.messages.text import shortened
from cogs.policy.access import Refused, require_postable_channel
from cogs.requests.submission import Submission
from engine import AdapterUse, AtelierError, GridLayout, ImageRequest, Recipe, Requester, Studio
from speech import say, say_many

MAX_UNCONFIRMED = 4
"""Jobs that one command queues without asking back."""

MOST_AT_ONCE = 8
"""Requests that are surely checked within the 3 seconds that Discord gives."""

SCOPE, KEY = "discord", "questions"
"""Where the studio keeps what is asked about, all in one value."""

MOST = 30
"""Questions that are kept, one for each person; those before are too old."""

GREY = discord.Colour(0x8A8F98)


class ConfirmButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-many:(?P<verb>go|drop):(?P<number>\d{1,19})",
):
    """Queue the jobs in question, or cancel."""

    def __init__(self, verb: str, number: int, label: str = "…") -> None:
        style = discord.ButtonStyle.primary if verb == "go" else discord.ButtonStyle.secondary
        identity = f"atelier-many:{verb}:{number}"
        super().__init__(ui.Button(label=label, style=style, custom_id=identity))
        self._verb = verb
        self._number = number

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button that was clicked, rebuilt from its id alone."""
        return cls(match["verb"], int(match["number"]))

    async def act(self, interaction: Interaction) -> None:
        """Paint, or drop the question."""
        questions = interaction.client.services[Confirmations]
        answer = questions.go if self._verb == "go" else questions.drop
        await answer(interaction, self._number)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingConfirmation:
    """Requests that wait for a word.

    Attributes:
        number: That of the interaction in which they were asked for.
        owner: Who asked for them.
        requests: What is to be painted.
        private: Whether they are to be private, if the person has said so.
        layout: The axes of the sheet whose cells they are, if they are.
    """

    number: int
    owner: int
    requests: tuple[ImageRequest, ...]
    private: bool | None = None
    layout: GridLayout | None = None

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The question of which `value` is what `asdict` has made."""
        requests = tuple(
            ImageRequest(**each | {"adapters": tuple(AdapterUse(*use) for use in each["adapters"])})
            for each in value["requests"]
        )
        layout = value.get("layout")
        return cls(
            **value
            | {"requests": requests, "layout": GridLayout.from_json(layout) if layout else None}
        )


class GridConfirmation(Protocol):
    """What knows how to ask about a grid, and to paint it; the feature for grids offers it."""

    async def describe(
        self,
        layout: GridLayout,
        requests: Sequence[ImageRequest],
        requester: Requester,
    ) -> str:
        """The question whether to paint it, with what it costs. Raises as `Studio.submit` does."""

    async def take(
        self,
        interaction: Interaction,
        layout: GridLayout,
        requests: Sequence[ImageRequest],
        *,
        private: bool | None = None,
    ) -> None:
        """Submit it for the person who interacts."""


class Confirmations:
    """Asks, remembers what about, and hears the answers."""

    def __init__(self, studio: Studio, submission: Submission) -> None:
        self._studio = studio
        self._submission = submission
        self._writing = asyncio.Lock()

    async def ask(
        self,
        interaction: Interaction,
        requests: Sequence[ImageRequest],
        *,
        private: bool | None = None,
        layout: GridLayout | None = None,
    ) -> None:
        """Ask the person, and nobody else, whether all of `requests` are to be painted.

        Args:
            interaction: In which they were asked for.
            requests: What is to be painted.
            private: Whether the person wants them private, if they have said so.
            layout: The axes, where they are the cells of a sheet.

        Raises:
            AtelierError: When they would be refused.
        """
        jobs = len(requests) if layout is None else 1
        reply_mode = await self._submission.reply_mode(interaction, private=private, jobs=jobs)
        await require_postable_channel(interaction, ephemeral=reply_mode.ephemeral)
        said_already = interaction.response.is_done()
        if not said_already and len(requests) > MOST_AT_ONCE:
            await interaction.response.defer(ephemeral=True, thinking=True)
        number, owner = interaction.id, interaction.user.id
        question = PendingConfirmation(
            number=number, owner=owner, requests=tuple(requests), private=private, layout=layout
        )
        said = await self._asked(interaction, question)
        await self._put(question)
        count = pictures(sum(request.count for request in requests))
        buttons = (
            ConfirmButton("go", number, say("Paint {pictures}", pictures=count)),
            ConfirmButton("drop", number, say("Cancel")),
        )
        nobody = discord.AllowedMentions.none()
        view = _view(said, *buttons)
        if interaction.response.is_done():
            if said_already:
                await interaction.delete_original_response()  # everybody would read what fills it
            await interaction.followup.send(view=view, ephemeral=True, allowed_mentions=nobody)
        else:
            await interaction.response.send_message(
                view=view, ephemeral=True, allowed_mentions=nobody
            )

    async def _asked(self, interaction: Interaction, question: PendingConfirmation) -> str:
        """What is asked, with what it costs."""
        requester = await self._submission.requester(interaction)
        if question.layout is not None:
            grids = interaction.client.services[GridConfirmation]
            return await grids.describe(question.layout, question.requests, requester)
        return _of_prompts(await self._studio.check_all(question.requests, requester))

    async def go(self, interaction: Interaction, number: int) -> None:
        """Paint them all, under the limits that count now; a refusal leaves the question open."""
        question = await self._take(interaction, number)
        await interaction.response.defer()
        try:
            said = await self._queued(interaction, question)
        except AtelierError:
            await self._put(question)
            raise
        await interaction.edit_original_response(view=_view(said))

    async def _queued(self, interaction: Interaction, question: PendingConfirmation) -> str:
        """Have it painted; what to say then."""
        requests, private = question.requests, question.private
        if question.layout is not None:
            await interaction.client.services[GridConfirmation].take(
                interaction, question.layout, requests, private=private
            )
            return say("Queued: a grid of {pictures}.", pictures=pictures(len(requests)))
        if await self._submission.take_all(interaction, requests, answers=False, private=private):
            return say_many("Queued: {number} job.", "Queued: {number} jobs.", len(requests))
        return say("Sent to a moderator for review.")

    async def drop(self, interaction: Interaction, number: int) -> None:
        """Paint none of them."""
        await self._take(interaction, number)
        await interaction.response.edit_message(
            view=_view(say("Cancelled. Nothing will be painted."))
        )

    async def _take(self, interaction: Interaction, number: int) -> PendingConfirmation:
        """The question, which is no longer kept: of two clicks at once one gets it.

        Raises:
            Refused: When there is none of that number any more, or it is somebody else's.
        """
        async with self._writing:
            questions = await self._all()
            found = [each for each in questions if each.number == number]
            if not found:
                raise Refused(
                    say("This question was already answered or has expired. Run the command again.")
                )
            if found[0].owner != interaction.user.id:
                raise Refused(say("Only the person who asked can answer this."))
            await self._write([each for each in questions if each.number != number])
        return found[0]

    async def _put(self, question: PendingConfirmation) -> None:
        async with self._writing:
            others = [each for each in await self._all() if each.owner != question.owner]
            await self._write([*others, question][-MOST:])

    async def _all(self) -> list[PendingConfirmation]:
        text = await self._studio.preferences.get(SCOPE, KEY)
        return [PendingConfirmation.from_json(value) for value in json.loads(text or "[]")]

    async def _write(self, questions: Sequence[PendingConfirmation]) -> None:
        text = json.dumps([asdict(question) for question in questions])
        await self._studio.preferences.set(SCOPE, KEY, text)


def _view(text: str, *buttons: ConfirmButton) -> ui.LayoutView:
    container: ui.Container[ui.LayoutView] = ui.Container(ui.TextDisplay(text), accent_colour=GREY)
    if buttons:
        row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
        for button in buttons:
            row.add_item(button)
        container.add_item(row)
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    return view


def pictures(number: int) -> str:
    """How many pictures."""
    return say_many("{number} picture", "{number} pictures", number)


def _of_prompts(recipes: Sequence[Recipe]) -> str:
    """Whether to paint a picture for each of several prompts."""
    asked = say(
        "**{prompts}, {pictures}.** Paint them all?",
        prompts=say_many("{number} prompt", "{number} prompts", len(recipes)),
        pictures=pictures(sum(recipe.count for recipe in recipes)),
    )
    return "\n".join([asked, *(f"- {plain(recipe.prompt)}" for recipe in recipes)])


def plain(text: str, most: int = 80) -> str:
    """The text as a line of a question, cut to `most` characters."""
    return discord.utils.escape_markdown(shortened(text, most))
