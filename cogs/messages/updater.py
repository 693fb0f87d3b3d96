"""Following: keeps the message about a job, or about a sheet, true until its outcome is shown."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

import aiohttp
import discord

from cogs.context import Client
from cogs.message_ref import MessageRef
from cogs.messages.delivery import Rejected, Showable, TooLarge, Unreachable, deliver
from cogs.messages.encodings import Upload
from cogs.messages.throttle import EditThrottle
from engine import Tasks, UnknownJob
from speech import speak

log = logging.getLogger(__name__)

Event = TypeVar("Event")
T = TypeVar("T")

RETRY_DELAYS = (2.0, 5.0, 15.0, 60.0)
"""Seconds between attempts to show an outcome while Discord fails; the last one repeats. Discord
knows a nonce again for a few minutes: within them a message sent twice is one message."""

FAILURES = (discord.HTTPException, aiohttp.ClientError, OSError)
"""What passes: Discord has trouble, or the way to it."""


class TrackedMessage(ABC, Generic[Event]):
    """What a message is about, for as long as it is followed once.

    Attributes:
        key: Its number among all that is followed.
        name: What the log calls it.
    """

    key: int
    name: str

    @abstractmethod
    def watch(self) -> AsyncGenerator[Event, None]:
        """Yield what is known of it and then each change, until it is over or the program ends.

        Raises:
            UnknownJob: When it was deleted.
        """

    @abstractmethod
    def over(self, news: Event) -> bool:
        """Whether nothing comes after that."""

    @abstractmethod
    def every(self, news: Event | None) -> float:
        """Seconds between two edits that tell such news."""

    @abstractmethod
    async def underway(
        self, news: Event, message_ref: MessageRef
    ) -> tuple[Showable, Sequence[Upload]]:
        """What its message shows before it is over: a goodbye when that is due at `message_ref`."""

    @abstractmethod
    async def show_outcome(self, news: Event, message_ref: MessageRef) -> MessageRef:
        """Show how it ended; raises as `deliver` does. A new message is made only the first time.

        Returns:
            Where the message is now.
        """

    @abstractmethod
    async def set_message_ref(self, message_ref: MessageRef) -> None:
        """Write down where its message is."""

    @abstractmethod
    async def settle(self) -> None:
        """Write down that its outcome has been shown."""


class MessageUpdater:
    """Follows subjects in the background, each by one task."""

    def __init__(self, bot: Client, pacer: EditThrottle) -> None:
        self._bot = bot
        self._pacer = pacer
        self._tasks = Tasks()
        self._running: WeakValueDictionary[int, asyncio.Task[None]] = WeakValueDictionary()
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def follow(
        self, subject: TrackedMessage[Event], message_ref: MessageRef, shown: Showable | None = None
    ) -> None:
        """Keep the message in `message_ref`, which shows `shown`, true until the outcome is there.

        Who has followed the subject so far stops: it may know less, and would be the last to tell.
        """
        before = self._running.get(subject.key)
        self._running[subject.key] = self._tasks.start(
            self._take_over(before, subject, message_ref, shown), f"follow {subject.name}"
        )

    async def tell(
        self,
        subject: TrackedMessage[Any],
        message_ref: MessageRef,
        card: Showable,
        uploads: Sequence[Upload] = (),
        *,
        nonce: str | None,
    ) -> MessageRef:
        """`deliver` what the message of the subject shows.

        Nobody takes over in the middle of that: of a request that is cancelled while it waits for
        its rate limit, discord.py keeps the lock, and the next one by that token waits for ever.
        """
        async with self._turn(subject):
            return await deliver(self._bot, message_ref, card, uploads, nonce=nonce)

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

    def _turn(self, subject: TrackedMessage[Any]) -> asyncio.Lock:
        return self._turns.setdefault(subject.key, asyncio.Lock())

    async def _take_over(
        self,
        before: "asyncio.Task[None] | None",
        subject: TrackedMessage[Event],
        message_ref: MessageRef,
        shown: Showable | None,
    ) -> None:
        if before is not None:
            async with self._turn(subject):
                before.cancel()
            await asyncio.wait([before])
        speak(message_ref.language)
        try:
            await self._follow(subject, message_ref, shown)
        except UnknownJob:
            log.info("%s was deleted meanwhile", subject.name)

    async def _follow(
        self, subject: TrackedMessage[Event], message_ref: MessageRef, shown: Showable | None
    ) -> None:
        ended = await self._show_progress(subject, message_ref, shown)
        if ended is None:
            return
        message_ref, last = ended
        try:
            message_ref = await retry_forever(
                partial(subject.show_outcome, last, message_ref), subject.name
            )
        except (Unreachable, Rejected) as error:
            log.warning("%s: nothing can be shown where it belongs: %s", subject.name, error)
        await subject.set_message_ref(message_ref)
        await subject.settle()

    async def _show_progress(
        self, subject: TrackedMessage[Event], message_ref: MessageRef, shown: Showable | None
    ) -> tuple[MessageRef, Event] | None:
        """Edit the message as it goes on.

        Returns:
            Where the message is, and the last news; `None` when the program ends before it.
        """
        before: tuple[Showable | None, Sequence[Upload]] = (shown, ())
        reachable = True
        async with aclosing(self._paced(subject, message_ref)) as all_news:
            async for news in all_news:
                if subject.over(news):
                    return message_ref, news
                card, uploads = await subject.underway(news, message_ref)
                if not reachable or (card, uploads) == before:
                    continue
                before = card, uploads
                try:
                    message_ref = await self.tell(subject, message_ref, card, uploads, nonce=None)
                except (Unreachable, Rejected) as error:
                    log.debug("%s: progress cannot be shown: %s", subject.name, error)
                    reachable = False
                except (TooLarge, *FAILURES) as error:
                    log.debug("%s: progress is not shown: %s", subject.name, error)
        return None

    async def _paced(
        self, subject: TrackedMessage[Event], message_ref: MessageRef
    ) -> AsyncGenerator[Event, None]:
        """The news of it: the last at once, the others as Discord likes edits.

        Once more the latest, when it is time to say goodbye to a message that is only leased.
        """
        latest: Event | None = None
        known: Event | None = None
        parting = message_ref.seconds_to_parting
        channel, key = message_ref.channel_id, subject.key
        async with aclosing(subject.watch()) as all_news:
            upcoming = asyncio.ensure_future(anext(all_news, None))
            try:
                while True:
                    every = subject.every(latest)
                    wait = None if latest is None else self._pacer.wait(channel, key, every)
                    if parting is not None:
                        parting = message_ref.seconds_to_parting
                        wait = parting if wait is None else min(wait, parting or 0.0)
                    await asyncio.wait([upcoming], timeout=wait)
                    if upcoming.done():
                        latest = known = upcoming.result()
                        if latest is None:
                            return
                        if subject.over(latest):
                            yield latest
                            return
                        upcoming = asyncio.ensure_future(anext(all_news, None))
                    elif known is not None and parting == 0.0:
                        yield known
                        latest, parting = None, None
                    elif latest is not None and self._pacer.admits(channel, key, every):
                        yield latest
                        latest = None
            finally:
                upcoming.cancel()
                await asyncio.wait([upcoming])


async def retry_forever(show: Callable[[], Awaitable[T]], name: str) -> T:
    """Show something, however long Discord fails; what else `show` raises is raised."""
    attempt = 0
    while True:
        try:
            return await show()
        except FAILURES as error:
            delay = RETRY_DELAYS[min(attempt, len(RETRY_DELAYS) - 1)]
            log.warning("%s: shown again in %g s: %s", name, delay, error)
            await asyncio.sleep(delay)
            attempt += 1
