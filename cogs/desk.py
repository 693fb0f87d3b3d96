"""The desk: where a request is taken, from a command or a button alike."""

import logging
from typing import TYPE_CHECKING

import discord

from cogs.cards import Card, ready_at, waiting_card
from cogs.home import Home
from cogs.limits import Limits
from cogs.policy import require_preflight
from cogs.presenter import Presenter
from engine import ImageRequest, Studio

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
        self, interaction: "discord.Interaction[Atelier]", request: ImageRequest
    ) -> None:
        """Submit `request` for whoever interacts, and answer with its home message.

        The job is written down before Discord is answered: if the program dies in between, the
        picture still comes, only later.

        Raises:
            AtelierError: When it is refused; the text is for the person.
        """
        require_preflight(interaction)
        home = Home.of(interaction)
        job = await self._studio.submit(
            request,
            owner=str(interaction.user.id),
            home=home.to_json(),
            scope=scope_of(interaction),
            allowance=self._limits.allowance(interaction.user),
        )
        event = self._studio.event(job.id)
        card = waiting_card(job, event, ready_at(event, None))
        try:
            home = home.at(await _answer(interaction, card))
            await self._studio.set_home(job.id, home.to_json())
        except discord.HTTPException as error:
            log.warning("Job %d: its interaction could not be answered: %s", job.id, error)
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


def scope_of(interaction: discord.Interaction) -> str:
    """Whose choice of model counts here: the server's, or in a direct message the person's."""
    return (
        f"guild:{interaction.guild_id}" if interaction.guild_id else f"user:{interaction.user.id}"
    )
