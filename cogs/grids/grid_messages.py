"""Sheets: takes them, and has the message of each kept true."""

import logging
from collections.abc import Sequence

import discord

from cogs.context import Client, Interaction
from cogs.grids.cards import GridCard, awaiting_card
from cogs.grids.question import grid_question
from cogs.grids.tracked_grid import TrackedGrid
from cogs.message_ref import MessageRef
from cogs.messages.delivery import delete_message
from cogs.messages.updater import MessageUpdater
from cogs.policy.contexts import scope_of
from cogs.requests.sending import sender
from cogs.requests.submission import Submission, message_ref_of_click
from engine import (
    Grid,
    GridLayout,
    GridProgress,
    ImageRequest,
    Job,
    Requester,
    StorageError,
    Studio,
    UnknownJob,
)
from speech import speaking

log = logging.getLogger(__name__)


class GridMessages:
    """Submits sheets, and has them followed."""

    def __init__(
        self, bot: Client, studio: Studio, submission: Submission, updater: MessageUpdater
    ) -> None:
        self._bot = bot
        self._studio = studio
        self._submission = submission
        self._updater = updater

    async def describe(
        self,
        layout: GridLayout,
        requests: Sequence[ImageRequest],
        requester: Requester,
    ) -> str:
        """The question whether to paint a grid, with what it costs.

        Raises:
            AtelierError: When it would be refused.
        """
        return grid_question(layout, await self._studio.grids.estimate(requests, requester))

    async def take(
        self,
        interaction: Interaction,
        layout: GridLayout,
        requests: Sequence[ImageRequest],
        *,
        private: bool | None = None,
    ) -> None:
        """Submit a sheet for whoever interacts; its message comes beside the answer.

        Args:
            interaction: In which it was confirmed; it has been answered.
            layout: Its axes.
            requests: What its cells show, row by row.
            private: Whether the person wants it private, if they have said so.

        Raises:
            AtelierError: When it is refused; the text is for the person.
        """
        reply_mode = await self._submission.reply_mode(interaction, private=private)
        message_ref = await self._submission.message_ref_for(interaction, reply_mode)
        grid = await self._studio.grids.submit(
            layout,
            requests,
            Requester(
                owner=str(interaction.user.id),
                message_ref=message_ref.without_token().to_json(),  # it leads to the question
                scope=scope_of(interaction),
                rate_limits=await self._submission.rate_limits(interaction),
            ),
        )
        cells = await self._studio.grids.cells(grid.id)
        begun = GridProgress(total=layout.count, finished=0)
        lost = message_ref.without_token()
        with speaking(message_ref.language):
            card = awaiting_card(grid, cells[min(cells)].recipe.prompt, begun, None)
        try:
            with speaking(message_ref.language):  # its buttons speak too
                message_ref = await sender(interaction, reply_mode, first=False)(message_ref, card)
            await self._studio.grids.set_message_ref(grid.id, message_ref.to_json())
        except StorageError as error:  # it is queued: nobody is to ask for it again
            log.warning("Sheet %d does not know where it is shown: %s", grid.id, error)
        except discord.HTTPException as error:
            log.warning("Sheet %d: its interaction could not be answered: %s", grid.id, error)
            message_ref = lost
        finally:
            self.track(grid, message_ref, card)

    def track(self, grid: Grid, message_ref: MessageRef, shown: GridCard | None = None) -> None:
        """Keep the message at `message_ref`, which shows `shown`, up to date from now on."""
        self._updater.track(TrackedGrid(self._bot, self._updater, grid), message_ref, shown)

    async def redraw(self, job: Job) -> None:
        """Have the grid redrawn whose cell `job` is. Raises `UnknownJob` when it is gone."""
        assert job.cell is not None, "it is in a grid"
        grid = await self._studio.grids.get(job.cell.grid)
        self.track(grid, MessageRef.from_json(grid.message_ref))

    async def redraw_without(self, job: Job) -> None:
        """Have the grid redrawn whose cell `job` was; without its last cell, it goes."""
        try:
            await self.redraw(job)
        except UnknownJob:
            await delete_message(self._bot, MessageRef.from_json(job.message_ref))

    async def continue_here(self, interaction: Interaction, grid_id: int) -> None:
        """Show the sheet on the message whose button was clicked, while that token lives.

        Raises:
            UnknownJob: When it is gone.
            NotYours: When somebody else has asked for it.
        """
        grid = await self._studio.grids.get_for(grid_id, by=str(interaction.user.id))
        message_ref = await message_ref_of_click(
            interaction, MessageRef.from_json(grid.message_ref)
        )
        if message_ref is not None:
            await self._studio.grids.set_message_ref(grid.id, message_ref.to_json())
            self.track(grid, message_ref)

    async def resume(self) -> None:
        """Take up every sheet whose outcome was not shown when the program ended."""
        for grid in await self._studio.grids.undelivered():
            self.track(grid, MessageRef.from_json(grid.message_ref))
