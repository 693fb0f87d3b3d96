"""Sheets: takes them, and keeps the message of each true until it is drawn."""

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import discord

from cogs.asking.desk import Desk, scope_of
from cogs.asking.sending import sender
from cogs.sheets.axes import called
from cogs.sheets.cards import SheetCard, awaiting_card, empty_card, kept_back, late_card, sheet_card
from cogs.showing.cards import ready_at
from cogs.showing.delivery import Rejected, TooLarge, Unreachable, deliver
from cogs.showing.discretion import Showing, at_home
from cogs.showing.home import Home
from cogs.showing.pacing import PER_MESSAGE, Pacer
from cogs.showing.presenter import FAILURES, RETRY_DELAYS
from cogs.showing.uploads import Upload, encodings
from engine import (
    ImageRequest,
    Job,
    JobEvent,
    JobState,
    Layout,
    Sheet,
    SheetProgress,
    Studio,
    Tasks,
    UnknownJob,
    draw_sheet,
    sheet_key,
)
from speech import say, speak, speaking

if TYPE_CHECKING:
    from cogs.bot import Atelier

log = logging.getLogger(__name__)


class Sheets:
    """Submits sheets, follows them in the background, and edits their messages."""

    def __init__(self, bot: "Atelier", studio: Studio, desk: Desk, pacer: Pacer) -> None:
        self._bot = bot
        self._studio = studio
        self._desk = desk
        self._pacer = pacer
        self._tasks = Tasks()

    async def take(
        self,
        interaction: "discord.Interaction[Atelier]",
        layout: Layout,
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
        manner = await self._desk.manner(interaction, private=private)
        home = await self._desk.home_for(interaction, manner)
        sheet = await self._studio.sheets.submit(
            layout,
            requests,
            owner=str(interaction.user.id),
            home=home.without_token().to_json(),  # it leads to the question
            scope=scope_of(interaction),
            allowance=await self._desk.allowance(interaction),
        )
        with speaking(home.language):
            begun = SheetProgress(total=layout.count, over=0)
            card = awaiting_card(sheet, await self._prompt(sheet), begun, None)
        lost = home.without_token()
        try:
            with speaking(home.language):  # its buttons speak too
                home = await sender(interaction, manner, first=False)(home, card)
            await self._studio.sheets.set_home(sheet.id, home.to_json())
        except discord.HTTPException as error:
            log.warning("Sheet %d: its interaction could not be answered: %s", sheet.id, error)
            home = lost
        finally:
            self.present(sheet, home, card)

    def present(self, sheet: Sheet, home: Home, shown: SheetCard | None = None) -> None:
        """Keep the message of the sheet, which shows `shown`, true until the outcome is there."""
        self._tasks.start(self._follow(sheet, home, shown), f"present sheet {sheet.id}")

    async def show_again(self, sheet_id: int) -> None:
        """Have the message of a sheet drawn anew; one that is gone is left alone."""
        with contextlib.suppress(UnknownJob):
            sheet = await self._studio.sheets.get(sheet_id)
            self.present(sheet, Home.from_json(sheet.home))

    async def resume(self) -> None:
        """Take up every sheet whose outcome was not shown when the program ended."""
        for sheet in await self._studio.sheets.unsettled():
            self.present(sheet, Home.from_json(sheet.home))

    async def close(self, seconds: float) -> None:
        """Stop following; outcomes that are known get this long to be shown."""
        try:
            async with asyncio.timeout(seconds):
                await self._tasks.join()
        except TimeoutError:
            await self._tasks.cancel()

    async def _prompt(self, sheet: Sheet) -> str:
        """That of its first cell. Raises `UnknownJob` when all cells are gone."""
        cells = await self._studio.sheets.cells(sheet.id)
        return cells[min(cells)].recipe.prompt

    async def _follow(self, sheet: Sheet, home: Home, shown: SheetCard | None) -> None:
        speak(home.language)
        try:
            home, complete = await self._show_progress(sheet, home, shown)
            if complete:
                home = await self._show_outcome(sheet, home)
                await self._studio.sheets.set_home(sheet.id, home.to_json())
                await self._studio.sheets.settle(sheet.id)
        except UnknownJob:
            log.info("Sheet %d was deleted meanwhile", sheet.id)

    async def _show_progress(
        self, sheet: Sheet, home: Home, shown: SheetCard | None
    ) -> tuple[Home, bool]:
        """Edit the message as the sheet goes on.

        Returns:
            Where the message is, and whether the sheet is complete: else the program ends.
        """
        prompt = await self._prompt(sheet)
        ready: float | None = None
        reachable = True
        async with aclosing(self._paced(sheet, home)) as news:
            async for progress in news:
                if progress.complete:
                    return home, True
                late = home.seconds_to_parting == 0.0
                left = JobEvent(
                    job_id=0, state=JobState.RUNNING, seconds_left=progress.seconds_left
                )
                ready = ready_at(left, ready)
                card = late_card(sheet, prompt) if late else None
                card = card or awaiting_card(sheet, prompt, progress, ready)
                if card == shown or not reachable:
                    continue
                shown = card
                try:
                    home = await deliver(self._bot, home, card, [], nonce=None)
                except (Unreachable, Rejected) as error:
                    log.debug("Sheet %d: progress cannot be shown: %s", sheet.id, error)
                    reachable = False
                except (TooLarge, *FAILURES) as error:
                    log.debug("Sheet %d: progress is not shown: %s", sheet.id, error)
        return home, False

    async def _paced(self, sheet: Sheet, home: Home) -> AsyncGenerator[SheetProgress, None]:
        """How the sheet stands: complete at once, the rest as Discord likes edits."""
        key = -sheet.id  # among jobs, by whose numbers messages go there
        latest: SheetProgress | None = None
        async with aclosing(self._studio.sheets.watch(sheet.id)) as news:
            upcoming = asyncio.ensure_future(anext(news, None))
            try:
                while True:
                    wait = self._pacer.wait(home.channel_id, key, PER_MESSAGE) if latest else None
                    await asyncio.wait([upcoming], timeout=wait)
                    if upcoming.done():
                        latest = upcoming.result()
                        if latest is None or latest.complete:
                            if latest is not None:
                                yield latest
                            return
                        upcoming = asyncio.ensure_future(anext(news, None))
                    elif latest and self._pacer.admits(home.channel_id, key, PER_MESSAGE):
                        yield latest
                        latest = None
            finally:
                upcoming.cancel()
                await asyncio.wait([upcoming])

    async def _show_outcome(self, sheet: Sheet, home: Home) -> Home:
        """Show the sheet, however long Discord fails; give up when nobody can see it."""
        attempt = 0
        while True:
            try:
                return await self._deliver_outcome(sheet, home)
            except (Unreachable, Rejected) as error:
                log.warning("Sheet %d: it cannot be shown where it belongs: %s", sheet.id, error)
                return home
            except FAILURES as error:
                delay = RETRY_DELAYS[min(attempt, len(RETRY_DELAYS) - 1)]
                log.warning("Sheet %d: shown again in %g s: %s", sheet.id, delay, error)
                await asyncio.sleep(delay)
                attempt += 1

    async def _deliver_outcome(self, sheet: Sheet, home: Home) -> Home:
        cells = await self._studio.sheets.cells(sheet.id)
        nonce = f"atelier-sheet-{sheet.id}"
        prompt = cells[min(cells)].recipe.prompt
        showings = {n: await at_home(self._bot, job, home) for n, job in cells.items()}
        shown = {n: _without_withheld(job, showings[n]) for n, job in cells.items()}
        if not any(job.pictures for job in shown.values()):
            withheld = sum(showing.withheld for showing in showings.values())
            card = empty_card(sheet, prompt, cells, kept_back(withheld) if withheld else "")
            return await deliver(self._bot, home, card, [], nonce=nonce)
        levels = _encoded(sheet, shown, home.upload_limit)
        sentence = say("The sheet is too large for this channel: `/history` has its pictures.")
        try:
            async with aclosing(levels):
                async for upload in levels:
                    card = sheet_card(
                        sheet,
                        cells,
                        upload.name,
                        withheld=sum(showing.withheld for showing in showings.values()),
                        covered=any(showing.covered for showing in showings.values()),
                        key=await asyncio.to_thread(sheet_key, sheet.layout),
                    )
                    try:
                        return await deliver(self._bot, home, card, [upload], nonce=nonce)
                    except TooLarge:
                        log.info("Sheet %d: too large for its channel, made smaller", sheet.id)
        except Rejected as error:
            log.error("Sheet %d: Discord does not take it: %s", sheet.id, error)
            sentence = say("Discord does not take the sheet: `/history` has its pictures.")
        card = empty_card(sheet, prompt, cells, sentence)
        return await deliver(self._bot, home, card, [], nonce=nonce)


def _without_withheld(job: Job, showing: Showing) -> Job:
    """The job without pictures that may not be shown."""
    return replace(job, pictures=()) if showing.withheld else job


async def _encoded(
    sheet: Sheet, cells: Mapping[int, Job], limit: int
) -> AsyncGenerator[Upload, None]:
    """The sheet in ever smaller encodings of at most `limit` bytes, each made in a thread."""
    with tempfile.TemporaryDirectory(prefix="atelier-") as folder:
        file = Path(folder) / f"sheet-{sheet.id}.png"
        await asyncio.to_thread(lambda: file.write_bytes(draw_sheet(sheet.layout, cells, called)))
        levels = encodings([file], limit)
        while (uploads := await asyncio.to_thread(next, levels, None)) is not None:
            yield uploads[0]
