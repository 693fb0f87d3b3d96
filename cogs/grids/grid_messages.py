"""Submits grids and keeps the message of each up to date."""

import logging
from collections.abc import Sequence

import discord

from cogs.context import Client, Interaction
from cogs.grids.axis_kinds import translated_title
from cogs.grids.cards import GridCard, waiting_grid_card
from cogs.grids.tracked_grid import TrackedGrid
from cogs.message_ref import MessageRef
from cogs.messages.delivery import delete_message
from cogs.messages.text import duration
from cogs.messages.updater import MessageUpdater
from cogs.policy.privacy import reply_mode_of
from cogs.requests.answers import message_ref_for, message_ref_of_click, requester_of
from cogs.requests.confirmations import excerpt, picture_count
from cogs.requests.sending import card_sender
from engine import (
    Grid,
    GridEstimate,
    GridLayout,
    GridProgress,
    ImageRequest,
    Job,
    Requester,
    StorageError,
    Studio,
    UnknownJob,
)
from speech import say, use_language

log = logging.getLogger(__name__)


class GridMessages:
    """Submits grids and tracks their messages."""

    def __init__(self, bot: Client, studio: Studio, updater: MessageUpdater) -> None:
        self._bot = bot
        self._studio = studio
        self._updater = updater

    async def describe(
        self,
        layout: GridLayout,
        requests: Sequence[ImageRequest],
        requester: Requester,
    ) -> str:
        """The question whether to paint a grid, with an estimate.

        Raises:
            AtelierError: When it would be refused.
        """
        return grid_question(layout, await self._studio.grids.estimate(requests, requester))

    async def submit(
        self,
        interaction: Interaction,
        layout: GridLayout,
        requests: Sequence[ImageRequest],
        *,
        private: bool | None = None,
    ) -> None:
        """Submit a grid for the user and post its message as a follow-up.

        Args:
            interaction: The interaction that confirmed it, which has been answered.
            layout: Its axes.
            requests: The requests of its cells, row by row.
            private: The privacy that the user chose for it, if any.

        Raises:
            AtelierError: When it is refused; the text is for the user.
        """
        reply_mode = await reply_mode_of(interaction, private=private)
        message_ref = await message_ref_for(interaction, reply_mode)
        grid = await self._studio.grids.submit(
            layout,
            requests,
            await requester_of(interaction, message_ref.without_token()),
        )
        cells = await self._studio.grids.cells(grid.id)
        progress = GridProgress(total=layout.count, finished=0)
        fallback = message_ref.without_token()
        with use_language(message_ref.language):
            card = waiting_grid_card(grid, cells[min(cells)].recipe.prompt, progress, None)
        try:
            with use_language(message_ref.language):  # its buttons' labels are translated when sent
                message_ref = await card_sender(interaction, reply_mode, first=False)(
                    message_ref, card
                )
            await self._studio.grids.set_message_ref(grid.id, message_ref.to_json())
        except StorageError as error:  # it is queued anyway: an error would make them retry
            log.warning("Grid %d: the place of its message couldn't be stored: %s", grid.id, error)
        except discord.HTTPException as error:
            log.warning("Grid %d: its message couldn't be sent: %s", grid.id, error)
            message_ref = fallback
        finally:
            self.track(grid, message_ref, card)

    def track(self, grid: Grid, message_ref: MessageRef, shown: GridCard | None = None) -> None:
        """Keep the message at `message_ref`, which shows `shown`, up to date from now on."""
        self._updater.track(TrackedGrid(self._bot, self._updater, grid), message_ref, shown)

    async def redraw(self, job: Job) -> None:
        """Redraw the grid of which `job` is a cell. Raises `UnknownJob` when the grid is gone."""
        assert job.cell is not None, "it is in a grid"
        grid = await self._studio.grids.get(job.cell.grid)
        self.track(grid, MessageRef.from_json(grid.message_ref))

    async def redraw_without(self, job: Job) -> None:
        """Redraw the grid of which `job` was a cell; delete its message after the last one."""
        try:
            await self.redraw(job)
        except UnknownJob:
            await delete_message(self._bot, MessageRef.from_json(job.message_ref))

    async def continue_here(self, interaction: Interaction, grid_id: int) -> None:
        """Show the grid in the clicked message, which the click's token can edit again.

        Raises:
            UnknownJob: When the grid is gone.
            NotYours: When another user requested it.
        """
        grid = await self._studio.grids.get_for(grid_id, by=str(interaction.user.id))
        message_ref = await message_ref_of_click(
            interaction, MessageRef.from_json(grid.message_ref)
        )
        if message_ref is not None:
            await self._studio.grids.set_message_ref(grid.id, message_ref.to_json())
            self.track(grid, message_ref)

    async def resume(self) -> None:
        """Track every grid whose outcome wasn't shown before the program ended."""
        for grid in await self._studio.grids.undelivered():
            try:
                message_ref = MessageRef.from_json(grid.message_ref)
            except (TypeError, ValueError, AttributeError):
                log.error("The place of grid %d can't be read: it isn't shown", grid.id)
                continue
            self.track(grid, message_ref)


def grid_question(layout: GridLayout, estimate: GridEstimate) -> str:
    """The question whether to paint a grid, with an estimate."""
    count = picture_count(layout.count)
    if estimate.seconds is None:
        question = say("**A grid of {pictures}.** Paint it?", pictures=count)
    else:
        question = say(
            "**A grid of {pictures}**, ready in about {time}. Paint it?",
            pictures=count,
            time=duration(estimate.seconds),
        )
    lines = [question, f"- {excerpt(estimate.recipes[0].prompt)}"]
    for axis in layout.axes:
        lines.append(f"- {translated_title(axis.title)}: {excerpt(' · '.join(axis.labels), 300)}")
    if estimate.seconds is None:
        unknown = say("There's no time estimate until something similar has been painted.")
        lines.append(f"-# {unknown}")
    return "\n".join(lines)
