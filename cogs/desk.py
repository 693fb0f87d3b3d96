"""The desk: where a request is taken, from a command or a button alike."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import discord

from cogs.cards import Card, ready_at, waiting_card
from cogs.home import Home
from cogs.limits import Limits
from cogs.policy import require_room
from cogs.presenter import Presenter
from cogs.server_settings import server_settings
from engine import Allowance, ImageRequest, Job, Parent, StorageError, Studio
from speech import say, speaking, spoken

if TYPE_CHECKING:
    from cogs.bot import Atelier


log = logging.getLogger(__name__)


class Desk:
    """Takes requests, answers with the home message, and hands the job to the presenter."""

    def __init__(self, studio: Studio, limits: Limits, presenter: Presenter) -> None:
        self._studio = studio
        self._limits = limits
        self._presenter = presenter

    async def take(
        self,
        interaction: "discord.Interaction[Atelier]",
        request: ImageRequest,
        parent: Parent | None = None,
    ) -> None:
        """Submit `request` for whoever interacts, and answer with its home message.

        `parent` is the picture that it goes on from.

        The job is written down before Discord is answered: if the program dies in between, the
        picture still comes, only later.

        Raises:
            AtelierError: When it is refused; the text is for the person.
        """
        await require_room(interaction)
        home = Home.of(interaction, await shared_language(interaction))
        job = await self._studio.submit(
            request,
            owner=str(interaction.user.id),
            home=home.to_json(),
            scope=scope_of(interaction),
            allowance=await self.allowance(interaction),
            parent=parent,
        )
        await self._show(job, home, partial(_answer, interaction), lost=home)

    async def take_all(
        self,
        interaction: "discord.Interaction[Atelier]",
        requests: Sequence[ImageRequest],
        *,
        answers: bool = True,
    ) -> None:
        """Submit all of `requests` or none, each with a home message of its own.

        Args:
            interaction: In which they were asked for.
            requests: What to paint.
            answers: Whether the first home message is the answer to the interaction; else that is
                left as it is.

        Raises:
            AtelierError: When they are refused; the text is for the person.
        """
        await require_room(interaction)
        home = Home.of(interaction, await shared_language(interaction))
        jobs = await self._studio.submit_all(
            requests,
            owner=str(interaction.user.id),
            home=home.without_token().to_json(),  # it would lead to the one original answer
            scope=scope_of(interaction),
            allowance=await self.allowance(interaction),
        )
        for number, job in enumerate(jobs):
            send = _answer if answers and number == 0 else _follow_up
            lost = home if send is _answer else home.without_token()
            await self._show(job, home, partial(send, interaction), lost)
        if len(jobs) < len(requests):
            raise StorageError(
                say(
                    "The disk refuses: {queued} of {asked} were queued.",
                    queued=len(jobs),
                    asked=len(requests),
                )
            )

    async def enlarge(
        self, interaction: "discord.Interaction[Atelier]", picture: Parent, factor: int
    ) -> None:
        """Resize the picture for whoever interacts, and answer with it.

        Raises:
            AtelierError: When it is refused; the text is for the person.
        """
        await require_room(interaction)
        painted = (await self._studio.job(picture.job_id)).recipe
        await self._studio.keeper.check(scope_of(interaction), ImageRequest.of(painted))
        await interaction.response.defer(thinking=True)
        home = Home.of(interaction, await shared_language(interaction))
        job = await self._studio.enlarge(
            picture,
            factor,
            owner=str(interaction.user.id),
            home=home.to_json(),
            scope=scope_of(interaction),
            allowance=await self.allowance(interaction),
        )
        self._presenter.present(job, home)

    async def allowance(self, interaction: "discord.Interaction[Atelier]") -> Allowance:
        """What whoever interacts may use."""
        settings = await server_settings(self._studio, scope_of(interaction))
        return self._limits.allowance(interaction.user, settings.pictures_per_hour)

    async def _show(
        self, job: Job, home: Home, send: Callable[[Card], Awaitable[int | None]], lost: Home
    ) -> None:
        """Bring the home message of a new job there by `send`, and have it kept true.

        `lost` is where it belongs when Discord does not take it.
        """
        event = self._studio.event(job.id)
        with speaking(home.language):
            card = waiting_card(job, event, ready_at(event, None))
        try:
            home = home.at(await send(card))
            await self._studio.set_home(job.id, home.to_json())
        except discord.HTTPException as error:
            log.warning("Job %d: its interaction could not be answered: %s", job.id, error)
            home = lost
        finally:
            self._presenter.present(job, home, shown=card)


async def _answer(interaction: "discord.Interaction[Atelier]", card: Card) -> int | None:
    """Answer with the card, or put it where “… is thinking” stands; the message's id."""
    nobody = discord.AllowedMentions.none()
    if interaction.response.is_done():
        view = card.view()
        return (await interaction.edit_original_response(view=view, allowed_mentions=nobody)).id
    answer = await interaction.response.send_message(view=card.view(), allowed_mentions=nobody)
    return answer.message_id


async def _follow_up(interaction: "discord.Interaction[Atelier]", card: Card) -> int:
    """Send the card as a message beside the answer; its id."""
    nobody = discord.AllowedMentions.none()
    sent = await interaction.followup.send(view=card.view(), allowed_mentions=nobody, wait=True)
    return sent.id


async def shared_language(interaction: "discord.Interaction[Atelier]") -> str:
    """The language of what everybody reads there: the server's, else that of who interacts."""
    settings = await server_settings(interaction.client.studio, scope_of(interaction))
    return settings.language or spoken()


def scope_of(interaction: discord.Interaction) -> str:
    """Whose choice of model counts here: the server's, or in a direct message the person's."""
    return (
        f"guild:{interaction.guild_id}" if interaction.guild_id else f"user:{interaction.user.id}"
    )
