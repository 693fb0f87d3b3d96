"""Messages as bytes: msgpack with a version and a type. What isn't one is refused, and counted."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from engine.cluster.protocol.messages import FROM_WORKER, TO_WORKER, Message
from speech import say

log = logging.getLogger(__name__)

VERSION = 2
"""The version of what crosses the wire. Those that differ by one understand each other."""

MAX_PAYLOAD = 2**20
"""Bytes of a message; NATS's own default. What is larger travels in parts."""

LOG_INTERVAL = 60.0
"""Seconds between two lines about refusals of the same kind."""


class BadMessage(Exception):
    """Bytes that aren't a message for here.

    Attributes:
        reason: Why, in a word: it is what refusals are counted by.
        version: The sender's, if it speaks another one.
    """

    def __init__(self, reason: str, version: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.version = version


def encode(message: Message, version: int = VERSION) -> bytes:
    """The bytes of a message."""
    import msgpack

    packed: bytes = msgpack.packb({"v": version, **message.model_dump()})
    return packed


def from_worker(data: bytes, version: int = VERSION) -> Message:
    """The message that a worker has sent. Raises `BadMessage`, and nothing else."""
    return _decode(data, FROM_WORKER, version)


def to_worker(data: bytes, version: int = VERSION) -> Message:
    """The message that the bot has sent to a worker. Raises `BadMessage`, and nothing else."""
    return _decode(data, TO_WORKER, version)


def _decode(data: bytes, kinds: tuple[type[Message], ...], own: int) -> Message:
    values = _unpacked(data)
    version = values.pop("v", None)
    if isinstance(version, bool) or not isinstance(version, int):
        raise BadMessage("malformed")
    if abs(version - own) > 1:
        raise BadMessage("version", version)
    found = next((kind for kind in kinds if _type_of(kind) == values.get("type")), None)
    if found is None:
        raise BadMessage("unknown")
    try:
        return found.model_validate(values)
    except (ValidationError, RecursionError):
        raise BadMessage("malformed") from None


def _unpacked(data: bytes) -> dict[str, Any]:
    import msgpack

    if len(data) > MAX_PAYLOAD:
        raise BadMessage("oversized")
    try:
        values = msgpack.unpackb(data)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException):
        raise BadMessage("malformed") from None
    if not isinstance(values, dict):
        raise BadMessage("malformed")
    return values


def _type_of(kind: type[Message]) -> str:
    name: str = kind.model_fields["type"].default
    return name


def other_version(theirs: int, own: int = VERSION) -> str:
    """What to tell people when versions differ by more than one."""
    if theirs > own:
        return say(
            "The other side's Atelier is too new for this one. Update this one (it speaks version "
            "{own} of the workers' protocol, the other side {theirs}).",
            own=own,
            theirs=theirs,
        )
    return say(
        "The other side's Atelier is too old for this one. Update the other side (it speaks "
        "version {theirs} of the workers' protocol, this one {own}).",
        own=own,
        theirs=theirs,
    )


class Refusals:
    """Counts what was refused, by worker and reason; each kind is logged once in a while."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: Counter[tuple[str, str]] = Counter()
        self._logged: dict[tuple[str, str], float] = {}

    @property
    def counts(self) -> Mapping[tuple[str, str], int]:
        """How often each worker was refused for each reason."""
        return dict(self._counts)

    def total(self, reason: str) -> int:
        """How often that was the reason."""
        return sum(count for (_, why), count in self._counts.items() if why == reason)

    def count(self, worker: str, reason: str) -> None:
        """Count one more."""
        key = worker, reason
        self._counts[key] += 1
        now = self._clock()
        if now - self._logged.get(key, -LOG_INTERVAL) >= LOG_INTERVAL:
            self._logged[key] = now
            log.warning("Refused from “%s”: %s (%d so far)", worker, reason, self._counts[key])
