"""A worker's line to the bot: reports that may be lost, and those that are sent until taken."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.cluster.protocol.encoding import VERSION, BadMessage, Refusals, encode, to_worker
from engine.cluster.protocol.messages import Message
from engine.cluster.protocol.subjects import from_worker

if TYPE_CHECKING:
    from nats.aio.client import Client

log = logging.getLogger(__name__)

ANSWER_SECONDS, MOST_SECONDS = 3.0, 12.0
"""How long an answer may take before the question is asked again: at first, and later on."""

AGAIN_SECONDS = 0.5


class NoAnswer(Exception):
    """The bot hasn't answered: it isn't there, or the network is down."""


class OtherVersion(Exception):
    """The bot speaks a version that this program doesn't understand."""

    def __init__(self, version: int) -> None:
        super().__init__(str(version))
        self.version = version


class BotLink:
    """Sends a worker's messages, each with the epoch of the current meeting.

    Attributes:
        client: The connection; another one follows when it's closed for good.
        name: The worker's name.
        epoch: The current meeting; empty if there is none.
        refusals: What came and wasn't taken.
    """

    client: "Client"

    def __init__(self, name: str, version: int = VERSION) -> None:
        self._subject = from_worker(name)
        self._version = version
        self.refusals = Refusals()
        self.name = name
        self.epoch = ""

    def read(self, data: bytes) -> Message | None:
        """The message in `data`; `None` if it is refused, which is counted.

        Raises:
            OtherVersion: When the bot's version differs by more than one.
        """
        try:
            return to_worker(data, self._version)
        except BadMessage as refused:
            if refused.version is not None:
                raise OtherVersion(refused.version) from None
            self.refusals.count("the bot", refused.reason)
            return None

    async def tell(self, message: Message) -> None:
        """Send a message; it is lost without a connection."""
        from nats.errors import Error

        with contextlib.suppress(Error, OSError):
            await self.client.publish(self._subject, self._encoded(message))

    async def ask(self, message: Message, seconds: float = ANSWER_SECONDS) -> Message:
        """Send a message and wait for the answer.

        Raises:
            NoAnswer: When there is none.
            OtherVersion: As `read`.
        """
        from nats.errors import Error

        try:
            found = await self.client.request(
                self._subject, self._encoded(message), timeout=seconds
            )
        except (Error, OSError, TimeoutError) as error:
            raise NoAnswer(str(error)) from error
        answer = self.read(found.data)
        if answer is None:
            raise NoAnswer("the answer was refused")
        return answer

    async def insist(self, message: Message, still: Callable[[], bool]) -> Message | None:
        """Ask until there is an answer, as long as `still` says so; `None` if it no longer does.

        Each time it waits longer: on a slow line, asking again makes the line slower still.
        """
        seconds = ANSWER_SECONDS
        while still():
            try:
                return await self.ask(message, seconds)
            except NoAnswer:
                seconds = min(2 * seconds, MOST_SECONDS)
                await asyncio.sleep(AGAIN_SECONDS)
        return None

    def _encoded(self, message: Message) -> bytes:
        return encode(message.model_copy(update={"epoch": self.epoch}), self._version)
