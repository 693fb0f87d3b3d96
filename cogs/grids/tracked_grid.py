"""A grid whose message is kept up to date: its progress, then the grid itself."""

import asyncio
import logging
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from cogs.context import Client
from cogs.grids.axis_kinds import translated_title
from cogs.grids.cards import (
    GridCard,
    complete_grid_card,
    empty_grid_card,
    expiring_grid_card,
    waiting_grid_card,
    withheld_note,
)
from cogs.message_ref import MessageRef
from cogs.messages.cards import steady_ready_at
from cogs.messages.delivery import Rejected, TooLarge
from cogs.messages.encodings import Upload, encodings
from cogs.messages.pings import Ping
from cogs.messages.throttle import MESSAGE_INTERVAL
from cogs.messages.updater import MessageUpdater, TrackedMessage
from cogs.policy.nsfw import Exposure, exposure_in_channel
from engine import Grid, GridProgress, Job, JobEvent, JobState, draw_grid, grid_legend
from speech import phrase, say

log = logging.getLogger(__name__)

GRID_READY = phrase("{owner}, your grid is ready.")


class TrackedGrid(TrackedMessage[GridProgress]):
    """A grid whose message is kept up to date."""

    def __init__(self, bot: Client, updater: MessageUpdater, grid: Grid) -> None:
        self.key = -grid.id  # the positive keys are those of jobs
        self.name = f"grid-{grid.id}"
        self._bot = bot
        self._updater = updater
        self._grids = bot.studio.grids
        self._grid = grid
        self._prompt: str | None = None
        self._ready_at: float | None = None
        self._ready = False

    def watch(self) -> AsyncGenerator[GridProgress, None]:
        return self._grids.watch(self._grid.id)

    def is_final(self, event: GridProgress) -> bool:
        return event.complete

    def edit_interval(self, event: GridProgress | None) -> float:
        return MESSAGE_INTERVAL

    async def worth_a_dm(self, event: GridProgress) -> bool:
        cells = (await self._grids.cells(self._grid.id)).values()
        return any(job.pictures for job in cells) and not all(job.delivered for job in cells)

    async def set_message_ref(self, message_ref: MessageRef) -> None:
        await self._grids.set_message_ref(self._grid.id, message_ref.to_json())

    def ping(self) -> Ping | None:
        if not self._ready:
            return None
        grid = self._grid
        return Ping(int(grid.owner), grid.created_at, GRID_READY, f"ping-grid-{grid.id}")

    async def mark_delivered(self) -> None:
        await self._grids.mark_delivered(self._grid.id)

    async def render_progress(
        self, event: GridProgress, message_ref: MessageRef
    ) -> tuple[GridCard, Sequence[Upload]]:
        if self._prompt is None:
            self._prompt = _first_prompt(await self._grids.cells(self._grid.id))
        left = JobEvent(job_id=0, state=JobState.RUNNING, seconds_left=event.seconds_left)
        self._ready_at = steady_ready_at(left, self._ready_at)
        if message_ref.seconds_to_expiry_notice == 0.0:
            return expiring_grid_card(self._grid, self._prompt), ()
        return waiting_grid_card(
            self._grid, self._prompt, event, self._ready_at, message_ref.editable_until
        ), ()

    async def show_outcome(self, event: GridProgress, message_ref: MessageRef) -> MessageRef:
        cells = await self._grids.cells(self._grid.id)
        exposures = {
            n: await exposure_in_channel(self._bot, job, message_ref) for n, job in cells.items()
        }
        shown = {n: _without_hidden_pictures(job, exposures[n]) for n, job in cells.items()}
        withheld = sum(exposure.withheld for exposure in exposures.values())
        if not any(job.pictures for job in shown.values()):
            return await self._deliver_text(
                message_ref, cells, withheld_note(withheld) if withheld else ""
            )
        sentence = say("The grid is too large for this channel. Find its pictures in `/history`.")
        try:
            async with aclosing(_encoded(self._grid, shown, message_ref.upload_limit)) as levels:
                async for upload in levels:
                    card = complete_grid_card(
                        self._grid,
                        cells,
                        upload.name,
                        withheld=withheld,
                        spoilered=any(exposure.spoilered for exposure in exposures.values()),
                        legend=await asyncio.to_thread(grid_legend, self._grid.layout),
                    )
                    try:
                        return await self._deliver(message_ref, cells, card, [upload])
                    except TooLarge:
                        log.info("%s: too large for its channel, trying a smaller file", self.name)
        except Rejected as error:
            log.error("%s: Discord rejected it: %s", self.name, error)
            sentence = say("Discord rejected the grid. Find its pictures in `/history`.")
        return await self._deliver_text(message_ref, cells, sentence)

    async def _deliver_text(
        self, message_ref: MessageRef, cells: Mapping[int, Job], sentence: str
    ) -> MessageRef:
        card = empty_grid_card(self._grid, _first_prompt(cells), cells, sentence)
        return await self._deliver(message_ref, cells, card)

    async def _deliver(
        self,
        message_ref: MessageRef,
        cells: Mapping[int, Job],
        card: GridCard,
        uploads: Sequence[Upload] = (),
    ) -> MessageRef:
        # It is posted only once, and a cancelled grid isn't worth a DM.
        posted = all(job.delivered for job in cells.values())
        unwanted = message_ref.token_only and card.state is JobState.CANCELLED
        nonce = None if posted or unwanted else f"atelier-grid-{self._grid.id}"
        message_ref = await self._updater.deliver(self, message_ref, card, uploads, nonce=nonce)
        self._ready = not posted and bool(uploads)
        return message_ref


def _first_prompt(cells: Mapping[int, Job]) -> str:
    """The prompt of the first cell."""
    return cells[min(cells)].recipe.prompt


def _without_hidden_pictures(job: Job, exposure: Exposure) -> Job:
    """The job without its pictures if they are withheld."""
    return replace(job, pictures=()) if exposure.withheld else job


async def _encoded(
    grid: Grid, cells: Mapping[int, Job], limit: int
) -> AsyncGenerator[Upload, None]:
    """The grid in ever smaller encodings of at most `limit` bytes, each made in a thread."""
    drawn = await asyncio.to_thread(draw_grid, grid.layout, cells, translated_title)
    # A thread whose caller was cancelled may still be writing when the folder is removed.
    with tempfile.TemporaryDirectory(prefix="atelier-", ignore_cleanup_errors=True) as folder:
        file = Path(folder) / f"grid-{grid.id}.png"
        await asyncio.to_thread(file.write_bytes, drawn)
        levels = encodings([file], limit)
        while (uploads := await asyncio.to_thread(next, levels, None)) is not None:
            yield uploads[0]
