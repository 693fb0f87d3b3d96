"""The presenter: keeps each job's message true, from queued to the pictures."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import aiohttp
import discord

from cogs.going_on.starting import can_be_filled
from cogs.showing.cards import (
    PREVIEW,
    Card,
    cancelled_card,
    failed_card,
    parting_card,
    ready_at,
    result_card,
    waiting_card,
    withheld_card,
)
from cogs.showing.delivery import Rejected, TooLarge, Unreachable, deliver
from cogs.showing.discretion import Showing, at_home, preview_at_home
from cogs.showing.home import Home
from cogs.showing.lineage import origin
from cogs.showing.pacing import Pacer, edit_interval
from cogs.showing.uploads import Upload, encodings
from engine import Job, JobEvent, JobState, Studio, Tasks, UnknownJob
from speech import resaid, say, speak

if TYPE_CHECKING:
    from cogs.bot import Atelier

log = logging.getLogger(__name__)

RETRY_DELAYS = (2.0, 5.0, 15.0, 60.0)
"""Seconds between attempts to show an outcome while Discord fails; the last one repeats. Discord
knows a nonce again for a few minutes: within them a message sent twice is one message."""


FAILURES = (discord.HTTPException, aiohttp.ClientError, OSError)
"""What passes: Discord has trouble, or the way to it."""


class Unreadable(Exception):
    """The file of a finished picture is gone or damaged."""


class Presenter:
    """Follows jobs in the background and edits their messages."""

    def __init__(self, bot: "Atelier", studio: Studio, pacer: Pacer) -> None:
        self._bot = bot
        self._studio = studio
        self._pacer = pacer
        self._tasks = Tasks()
        self._followers: WeakValueDictionary[int, asyncio.Task[None]] = WeakValueDictionary()

    def present(self, job: Job, home: Home, shown: Card | None = None) -> None:
        """Keep the message of `job`, which shows `shown`, true until the outcome is there."""
        follower = self._tasks.start(self._follow(job, home, shown), f"present job {job.id}")
        self._followers[job.id] = follower

    def move(self, job: Job, home: Home) -> None:
        """Keep the message in `home` true from now on, and no other."""
        if (follower := self._followers.get(job.id)) is not None:
            follower.cancel()
        self.present(job, home)

    async def resume(self) -> None:
        """Take up every job whose outcome was not shown when the program ended."""
        for job in await self._studio.unsettled():
            self.present(job, Home.from_json(job.home))

    async def close(self, seconds: float) -> None:
        """Stop following; outcomes that are known get this long to be shown.

        What was not shown is taken up at the next start.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._tasks.join()
        except TimeoutError:
            log.info("%d messages are left for the next start", len(self._tasks))
            await self._tasks.cancel()

    async def _follow(self, job: Job, home: Home, shown: Card | None) -> None:
        speak(home.language)
        try:
            home, outcome = await self._show_progress(job, home, shown)
            if outcome is not None:
                await self._show_outcome(job, home, outcome)
                await self._studio.settle(job.id)
        except UnknownJob:
            log.info("Job %d was deleted meanwhile", job.id)

    async def _show_progress(
        self, job: Job, home: Home, shown: Card | None
    ) -> tuple[Home, JobEvent | None]:
        """Edit the message as the job goes on.

        Returns:
            Where the message is, and how the job ended; `None` when the program ends before it.
        """
        preview: bytes | None = None
        ready: float | None = None
        reachable = True
        async with aclosing(self._paced(job, home)) as events:
            async for event in events:
                if not event.state.waiting:
                    return home, event
                event, covered = await self._discreet(event, home)
                ready = ready_at(event, ready)
                ending = home.seconds_to_parting == 0.0
                if ending:
                    card = parting_card(job, event.state)
                else:
                    card = waiting_card(job, event, ready, home.until)
                    card = replace(card, covered=covered)
                if not reachable or (card == shown and event.preview == preview):
                    continue
                shown, preview = card, event.preview
                uploads = [Upload(PREVIEW, preview)] if preview and not ending else []
                try:
                    home = await deliver(self._bot, home, card, uploads, nonce=None)
                except (Unreachable, Rejected) as error:
                    log.debug("Job %d: progress cannot be shown: %s", job.id, error)
                    reachable = False
                except (TooLarge, *FAILURES) as error:
                    log.debug("Job %d: progress is not shown: %s", job.id, error)
        return home, None

    async def _discreet(self, event: JobEvent, home: Home) -> tuple[JobEvent, frozenset[int]]:
        """The event with a preview only where one may be shown, and what is covered of it."""
        if event.preview is None:
            return event, frozenset()
        showing = await preview_at_home(self._bot, home)
        if showing.withheld:
            return replace(event, preview=None), frozenset()
        return event, showing.covered

    async def _paced(self, job: Job, home: Home) -> AsyncGenerator[JobEvent, None]:
        """The events of the job: the last one at once, the others as Discord likes edits.

        Once more the latest, when it is time to say goodbye to a message that is only leased.
        """
        latest: JobEvent | None = None
        known: JobEvent | None = None
        parting = home.seconds_to_parting
        async with aclosing(self._studio.watch(job.id)) as events:
            upcoming = asyncio.ensure_future(anext(events, None))
            try:
                while True:
                    every = edit_interval(latest)
                    wait = self._pacer.wait(home.channel_id, job.id, every) if latest else None
                    if parting is not None:
                        parting = home.seconds_to_parting
                        wait = parting if wait is None else min(wait, parting or 0.0)
                    await asyncio.wait([upcoming], timeout=wait)
                    if upcoming.done():
                        latest = known = upcoming.result()
                        if latest is None:
                            return
                        if not latest.state.waiting:
                            yield latest
                            return
                        upcoming = asyncio.ensure_future(anext(events, None))
                    elif known is not None and parting == 0.0:
                        yield known
                        latest, parting = None, None
                    elif latest is not None and self._pacer.admits(home.channel_id, job.id, every):
                        yield latest
                        latest = None
            finally:
                upcoming.cancel()
                await asyncio.wait([upcoming])

    async def _show_outcome(self, job: Job, home: Home, event: JobEvent) -> None:
        """Show how the job ended, however long Discord fails; give up when nobody can see it."""
        attempt = 0
        while True:
            try:
                home = await self._deliver_outcome(job, home, event)
                break
            except (Unreachable, Rejected) as error:
                log.warning("Job %d: nothing can be shown where it belongs: %s", job.id, error)
                break
            except FAILURES as error:
                delay = RETRY_DELAYS[min(attempt, len(RETRY_DELAYS) - 1)]
                log.warning("Job %d: shown again in %g s: %s", job.id, delay, error)
                await asyncio.sleep(delay)
                attempt += 1
        await self._studio.set_home(job.id, home.to_json())

    async def _deliver_outcome(self, job: Job, home: Home, event: JobEvent) -> Home:
        if event.state is JobState.CANCELLED:
            nonce = None if home.leased else _nonce(job)  # nobody needs to be written to for that
            return await deliver(self._bot, home, cancelled_card(job), [], nonce=nonce)
        if event.state is JobState.FAILED:
            sentence = resaid(event.error) or say("The picture could not be painted.")
            return await self._deliver_words(job, home, failed_card(job, sentence))
        showing = await at_home(self._bot, job, home)
        if showing.withheld:
            return await self._deliver_words(job, home, withheld_card(job))
        try:
            async with aclosing(_encoded(event.pictures, home.upload_limit)) as levels:
                async for uploads in levels:
                    try:
                        return await self._deliver_pictures(job, home, uploads, showing)
                    except TooLarge:
                        log.info("Job %d: too large for its channel, made smaller", job.id)
            sentence = say(
                "The pictures are too large for this channel. The owner has them on disk."
            )
        except Unreadable as error:
            log.error("Job %d: its pictures cannot be read: %s", job.id, error)
            sentence = say("The files of the pictures are gone.")
        except Rejected as error:
            log.error("Job %d: Discord does not take its pictures: %s", job.id, error)
            sentence = say("Discord does not take the pictures. The owner has them on disk.")
        return await self._deliver_words(job, home, failed_card(job, sentence))

    async def _deliver_pictures(
        self, job: Job, home: Home, uploads: Sequence[Upload], showing: Showing
    ) -> Home:
        names = [upload.name for upload in uploads]
        fillable = can_be_filled(self._studio.models, job.recipe.model)
        card = result_card(job, names, await origin(self._studio, job), fillable=fillable)
        card = replace(card, covered=showing.covered)
        return await deliver(self._bot, home, card, uploads, nonce=_nonce(job))

    async def _deliver_words(self, job: Job, home: Home, card: Card) -> Home:
        return await deliver(self._bot, home, card, [], nonce=_nonce(job))


async def _encoded(files: Sequence[Path], limit: int) -> AsyncGenerator[tuple[Upload, ...], None]:
    """The encodings of the pictures, each made in a thread when it is asked for.

    Raises:
        Unreadable: When a file is gone or damaged.
    """
    levels = encodings(files, limit)
    try:
        while (uploads := await asyncio.to_thread(next, levels, None)) is not None:
            yield uploads
    except OSError as error:
        raise Unreadable(str(error)) from error


def _nonce(job: Job) -> str:
    return f"atelier-{job.id}"
