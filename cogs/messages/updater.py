"""Keeps the message of a job or a grid up to date until its outcome has been shown."""

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
from cogs.messages.delivery import Rejected, Showable, TooLarge, Unreachable, deliver, open_dm
from cogs.messages.encodings import Upload
from cogs.messages.pings import Ping, send_ping
from cogs.messages.throttle import EditThrottle
from engine import Tasks, UnknownJob
from speech import set_language

log = logging.getLogger(__name__)

Event = TypeVar("Event")
T = TypeVar("T")

RETRY_DELAYS = (2.0, 5.0, 15.0, 60.0)
"""Seconds between attempts to show an outcome while Discord fails; the last one repeats. Discord
remembers a nonce for a few minutes: a message sent twice within them is posted once."""

TRANSIENT_ERRORS = (discord.HTTPException, aiohttp.ClientError, OSError)
"""Errors that pass: Discord, or the connection to it, has a problem."""


UNKNOWN_USER = (400, 403, 404)
"""Statuses of the answer when no DM channel can be opened to a user."""


class TrackedMessage(ABC, Generic[Event]):
    """What a message that is kept up to date is about: a job or a grid.

    Attributes:
        key: Its number, unique among everything that is tracked.
        name: Its name in the log.
    """

    key: int
    name: str

    @abstractmethod
    def watch(self) -> AsyncGenerator[Event, None]:
        """Yield the current state, then each change, until the outcome or the program's end.

        Raises:
            UnknownJob: When it was deleted.
        """

    @abstractmethod
    def is_final(self, event: Event) -> bool:
        """Whether the event is the outcome: no other comes after it."""

    @abstractmethod
    def edit_interval(self, event: Event | None) -> float:
        """Seconds between two edits that show events like this one."""

    @abstractmethod
    async def render_progress(
        self, event: Event, message_ref: MessageRef
    ) -> tuple[Showable, Sequence[Upload]]:
        """What the message shows before the outcome: the expiry notice once that is due."""

    @abstractmethod
    async def show_outcome(self, event: Event, message_ref: MessageRef) -> MessageRef:
        """Show the outcome. Only the first time may it send a new message.

        Returns:
            Where the message is now.

        Raises:
            Exception: As `deliver` does.
        """

    @abstractmethod
    def ping(self) -> Ping | None:
        """What to tell the owner once the outcome is shown for the first time, if anything."""

    @abstractmethod
    async def worth_a_dm(self, event: Event) -> bool:
        """Whether an outcome that can't be shown in its place is worth a DM."""

    @abstractmethod
    async def set_message_ref(self, message_ref: MessageRef) -> None:
        """Store where the message is."""

    @abstractmethod
    async def mark_delivered(self) -> None:
        """Store that the outcome has been shown."""


class MessageUpdater:
    """Tracks messages in the background, one task for each."""

    def __init__(self, bot: Client, throttle: EditThrottle) -> None:
        self._bot = bot
        self._throttle = throttle
        self._tasks = Tasks()
        self._running: WeakValueDictionary[int, asyncio.Task[None]] = WeakValueDictionary()
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def track(
        self, tracked: TrackedMessage[Event], message_ref: MessageRef, shown: Showable | None = None
    ) -> None:
        """Keep the message at `message_ref`, which shows `shown`, up to date until its outcome.

        A task that has tracked it so far is stopped: it may know an older place or state, and
        would overwrite the newer one.
        """
        previous = self._running.get(tracked.key)
        self._running[tracked.key] = self._tasks.start(
            self._replace(previous, tracked, message_ref, shown), f"track {tracked.name}"
        )

    async def deliver(
        self,
        tracked: TrackedMessage[Any],
        message_ref: MessageRef,
        card: Showable,
        uploads: Sequence[Upload] | None = (),
        *,
        nonce: str | None,
    ) -> MessageRef:
        """Call `deliver` without being replaced by a newer task halfway.

        When a request is cancelled while it waits for its rate limit, discord.py never releases
        that lock, and the next request with the same token waits forever.
        """
        async with self._lock_for(tracked):
            return await deliver(self._bot, message_ref, card, uploads, nonce=nonce)

    async def close(self, seconds: float) -> None:
        """Stop tracking; known outcomes get this long to be shown.

        The others are shown at the next start.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._tasks.join()
        except TimeoutError:
            log.info("%d messages will be updated at the next start", len(self._tasks))
            await self._tasks.cancel()

    def _lock_for(self, tracked: TrackedMessage[Any]) -> asyncio.Lock:
        return self._locks.setdefault(tracked.key, asyncio.Lock())

    async def _replace(
        self,
        previous: "asyncio.Task[None] | None",
        tracked: TrackedMessage[Event],
        message_ref: MessageRef,
        shown: Showable | None,
    ) -> None:
        if previous is not None:
            async with self._lock_for(tracked):
                previous.cancel()
            await asyncio.wait([previous])
        set_language(message_ref.language)
        try:
            await self._run(tracked, message_ref, shown)
        except UnknownJob:
            log.info("%s was deleted", tracked.name)

    async def _run(
        self, tracked: TrackedMessage[Event], message_ref: MessageRef, shown: Showable | None
    ) -> None:
        ended = await self._show_progress(tracked, message_ref, shown)
        if ended is None:
            return
        previous, outcome = ended
        message_ref = previous
        show = partial(tracked.show_outcome, outcome)
        traffic = self._bot.traffic
        try:
            message_ref = await retry_forever(
                partial(show, message_ref), tracked.name, traffic.count_retry
            )
            traffic.deliveries += 1
        except Rejected as error:
            traffic.delivery_failures["rejected"] += 1
            log.warning("%s: the outcome can't be shown: %s", tracked.name, error)
        except Unreachable as error:
            traffic.delivery_failures["unreachable"] += 1
            log.warning("%s: the outcome can't be shown in its place: %s", tracked.name, error)
            if await tracked.worth_a_dm(outcome) and not message_ref.in_a_dm:
                message_ref = await self._show_in_dm(show, message_ref, tracked.name)
        await tracked.set_message_ref(message_ref)
        ping = None if message_ref.is_new_dm_after(previous) else tracked.ping()
        if ping is not None:
            async with self._lock_for(tracked):
                await send_ping(self._bot, ping, message_ref, tracked.set_message_ref)
        await tracked.mark_delivered()

    async def _show_in_dm(
        self,
        show: Callable[[MessageRef], Awaitable[MessageRef]],
        message_ref: MessageRef,
        name: str,
    ) -> MessageRef:
        """Show an outcome to the person who asked, since its place is gone or closed to the bot.

        Returns:
            Where it is; no message if they don't accept DMs, so that nothing links to one.
        """

        async def open_and_show() -> MessageRef:
            try:
                dm_ref = await open_dm(self._bot, message_ref)
            except discord.HTTPException as error:
                if error.status in UNKNOWN_USER:
                    raise Unreachable(error.text) from error
                raise
            return await show(dm_ref)

        try:
            return await retry_forever(open_and_show, name)
        except (Unreachable, Rejected) as error:
            log.warning("%s: it can't be sent as a DM: %s", name, error)
            return message_ref.without_token().with_message(None)

    async def _show_progress(
        self, tracked: TrackedMessage[Event], message_ref: MessageRef, shown: Showable | None
    ) -> tuple[MessageRef, Event] | None:
        """Edit the message until the outcome is known.

        Returns:
            Where the message is, and the outcome; `None` when the program ends before it.
        """
        last_shown: tuple[Showable | None, Sequence[Upload]] = (shown, ())
        attached: Sequence[Upload] | None = None  # unknown
        reachable = True
        async with aclosing(self._throttled_events(tracked, message_ref)) as events:
            async for event in events:
                if tracked.is_final(event):
                    return message_ref, event
                card, uploads = await tracked.render_progress(event, message_ref)
                if not reachable or (card, uploads) == last_shown:
                    continue
                last_shown = card, uploads
                try:
                    message_ref = await self.deliver(
                        tracked,
                        message_ref,
                        card,
                        None if uploads == attached else uploads,
                        nonce=None,
                    )
                    attached = uploads
                except (Unreachable, Rejected) as error:
                    log.debug("%s: progress can't be shown: %s", tracked.name, error)
                    reachable = False
                except (TooLarge, *TRANSIENT_ERRORS) as error:
                    log.debug("%s: progress wasn't shown: %s", tracked.name, error)
                    attached = None
        return None

    async def _throttled_events(
        self, tracked: TrackedMessage[Event], message_ref: MessageRef
    ) -> AsyncGenerator[Event, None]:
        """The outcome at once; other events, the latest only, as often as edits are allowed.

        The latest event is repeated when the expiry notice is due.
        """
        pending: Event | None = None
        latest: Event | None = None
        notice_in = message_ref.seconds_to_expiry_notice
        channel, key = message_ref.channel_id, tracked.key
        async with aclosing(tracked.watch()) as events:
            upcoming = asyncio.ensure_future(anext(events, None))
            try:
                while True:
                    interval = tracked.edit_interval(pending)
                    wait = None if pending is None else self._throttle.wait(channel, key, interval)
                    if notice_in is not None:
                        notice_in = message_ref.seconds_to_expiry_notice
                        wait = notice_in if wait is None else min(wait, notice_in or 0.0)
                    await asyncio.wait([upcoming], timeout=wait)
                    if upcoming.done():
                        pending = latest = upcoming.result()
                        if pending is None:
                            return
                        if tracked.is_final(pending):
                            yield pending
                            return
                        upcoming = asyncio.ensure_future(anext(events, None))
                    elif latest is not None and notice_in == 0.0:
                        yield latest
                        pending, notice_in = None, None
                    elif pending is not None and self._throttle.try_acquire(channel, key, interval):
                        yield pending
                        pending = None
            finally:
                upcoming.cancel()
                await asyncio.wait([upcoming])


async def retry_forever(
    show: Callable[[], Awaitable[T]], name: str, on_retry: Callable[[], None] = lambda: None
) -> T:
    """Call `show` until it succeeds, waiting longer each time while Discord fails.

    Before each wait, `on_retry` is called.

    Raises:
        Exception: Whatever `show` raises that is not one of `TRANSIENT_ERRORS`.
    """
    attempt = 0
    while True:
        try:
            return await show()
        except TRANSIENT_ERRORS as error:
            delay = RETRY_DELAYS[min(attempt, len(RETRY_DELAYS) - 1)]
            log.warning("%s: retrying in %g s: %s", name, delay, error)
            on_retry()
            await asyncio.sleep(delay)
            attempt += 1
