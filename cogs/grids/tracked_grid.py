"""A sheet whose message is kept true: how it goes on, then the sheet itself."""

import asyncio
import logging
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cogs.grids.axes import called
from cogs.grids.cards import SheetCard, awaiting_card, empty_card, kept_back, late_card, sheet_card
from cogs.messages.cards import ready_at
from cogs.messages.delivery import Rejected, TooLarge
from cogs.policy.nsfw import Showing, at_home
from cogs.messages.updater import Followers, Subject
from cogs.message_ref import Home
from cogs.messages.throttle import PER_MESSAGE
from cogs.messages.encodings import Upload, encodings
from engine import Job, JobEvent, JobState, Sheet, SheetProgress, draw_sheet, sheet_key
from speech import say

if TYPE_CHECKING:
    from cogs.bot import Atelier

log = logging.getLogger(__name__)


class SheetSubject(Subject[SheetProgress]):
    """A sheet, as long as its message is followed once."""

    def __init__(self, bot: "Atelier", followers: Followers, sheet: Sheet) -> None:
        self.key = -sheet.id  # among jobs, which have their own numbers
        self.name = f"sheet-{sheet.id}"
        self._bot = bot
        self._followers = followers
        self._sheets = bot.studio.sheets
        self._sheet = sheet
        self._prompt: str | None = None
        self._ready: float | None = None

    def watch(self) -> AsyncGenerator[SheetProgress, None]:
        return self._sheets.watch(self._sheet.id)

    def over(self, news: SheetProgress) -> bool:
        return news.complete

    def every(self, news: SheetProgress | None) -> float:
        return PER_MESSAGE

    async def set_home(self, home: Home) -> None:
        await self._sheets.set_home(self._sheet.id, home.to_json())

    async def settle(self) -> None:
        await self._sheets.settle(self._sheet.id)

    async def underway(self, news: SheetProgress, home: Home) -> tuple[SheetCard, Sequence[Upload]]:
        if self._prompt is None:
            self._prompt = _prompt(await self._sheets.cells(self._sheet.id))
        left = JobEvent(job_id=0, state=JobState.RUNNING, seconds_left=news.seconds_left)
        self._ready = ready_at(left, self._ready)
        if home.seconds_to_parting == 0.0:
            return late_card(self._sheet, self._prompt), ()
        return awaiting_card(self._sheet, self._prompt, news, self._ready, home.until), ()

    async def show_outcome(self, news: SheetProgress, home: Home) -> Home:
        cells = await self._sheets.cells(self._sheet.id)
        showings = {n: await at_home(self._bot, job, home) for n, job in cells.items()}
        shown = {n: _without_withheld(job, showings[n]) for n, job in cells.items()}
        withheld = sum(showing.withheld for showing in showings.values())
        if not any(job.pictures for job in shown.values()):
            return await self._deliver_words(home, cells, kept_back(withheld) if withheld else "")
        sentence = say("The sheet is too large for this channel: `/history` has its pictures.")
        try:
            async with aclosing(_encoded(self._sheet, shown, home.upload_limit)) as levels:
                async for upload in levels:
                    card = sheet_card(
                        self._sheet,
                        cells,
                        upload.name,
                        withheld=withheld,
                        covered=any(showing.covered for showing in showings.values()),
                        key=await asyncio.to_thread(sheet_key, self._sheet.layout),
                    )
                    try:
                        return await self._deliver(home, cells, card, [upload])
                    except TooLarge:
                        log.info("%s: too large for its channel, made smaller", self.name)
        except Rejected as error:
            log.error("%s: Discord does not take it: %s", self.name, error)
            sentence = say("Discord does not take the sheet: `/history` has its pictures.")
        return await self._deliver_words(home, cells, sentence)

    async def _deliver_words(self, home: Home, cells: Mapping[int, Job], sentence: str) -> Home:
        card = empty_card(self._sheet, _prompt(cells), cells, sentence)
        return await self._deliver(home, cells, card)

    async def _deliver(
        self, home: Home, cells: Mapping[int, Job], card: SheetCard, uploads: Sequence[Upload] = ()
    ) -> Home:
        # It is posted once, and nobody needs to be written to about what was called off.
        posted = all(job.settled for job in cells.values())
        unasked = home.leased and card.state is JobState.CANCELLED
        nonce = None if posted or unasked else f"atelier-sheet-{self._sheet.id}"
        return await self._followers.tell(self, home, card, uploads, nonce=nonce)


def _prompt(cells: Mapping[int, Job]) -> str:
    """That of the first cell."""
    return cells[min(cells)].recipe.prompt


def _without_withheld(job: Job, showing: Showing) -> Job:
    """The job without pictures that may not be shown."""
    return replace(job, pictures=()) if showing.withheld else job


async def _encoded(
    sheet: Sheet, cells: Mapping[int, Job], limit: int
) -> AsyncGenerator[Upload, None]:
    """The sheet in ever smaller encodings of at most `limit` bytes, each made in a thread."""
    drawn = await asyncio.to_thread(draw_sheet, sheet.layout, cells, called)
    # Whoever is not waited for any more may still be writing when the folder goes.
    with tempfile.TemporaryDirectory(prefix="atelier-", ignore_cleanup_errors=True) as folder:
        file = Path(folder) / f"sheet-{sheet.id}.png"
        await asyncio.to_thread(file.write_bytes, drawn)
        levels = encodings([file], limit)
        while (uploads := await asyncio.to_thread(next, levels, None)) is not None:
            yield uploads[0]
