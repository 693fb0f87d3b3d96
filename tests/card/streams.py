"""Streams and events with vector clocks, and the races that they show.

Each launch on a stream counts up the stream's own time. A stream that waits for another, or for an
event, has seen all that the other had done by then. Two launches on the same bytes, one of them
writing, race unless the later one's stream has seen the earlier.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from time import perf_counter

import torch

from tests.card.allocator import Block

Clock = dict[int, int]
"""How much of each stream has been seen, by its number."""

NUMBERS = count()


class Stream:
    """Stands in for `torch.cuda.Stream`."""

    def __init__(self, device: object = None) -> None:
        self.number = next(NUMBERS)
        self.device = torch.device("cuda", 0)
        self.device_index = 0
        self.clock: Clock = {}

    def wait_stream(self, other: "Stream") -> None:
        """See all that `other` has done so far."""
        self._see(other.clock)

    def wait_event(self, event: "Event") -> None:
        """See all that came before `event`."""
        self._see(event.clock)

    def synchronize(self) -> None:
        """The host waits; it never races."""

    def _see(self, clock: Clock) -> None:
        for number, time in clock.items():
            self.clock[number] = max(time, self.clock.get(number, 0))


class Event:
    """Stands in for `torch.cuda.Event`."""

    def __init__(self, **_: object) -> None:
        self.clock: Clock = {}
        self.recorded_at = 0.0

    def record(self, stream: Stream) -> None:
        """Take the stream's clock."""
        self.clock = dict(stream.clock)
        self.recorded_at = perf_counter()

    def synchronize(self) -> None:
        """All work is done when it is launched."""

    def elapsed_time(self, end: "Event") -> float:
        """Milliseconds from this event to `end`."""
        return 1000 * (end.recorded_at - self.recorded_at)


@dataclass(frozen=True, slots=True)
class Access:
    """One launch's use of some bytes of a segment."""

    start: int
    end: int
    stream: int
    time: int
    writes: bool
    name: str


class RaceDetector:
    """Every access to the card's memory.

    Attributes:
        races: What was found, in words.
        accesses: How many accesses were looked at.
    """

    def __init__(self) -> None:
        self.races: list[str] = []
        self.accesses = 0
        self._seen: dict[int, list[Access]] = {}

    def launch(
        self, stream: Stream, name: str, reads: Iterable[Block], writes: Iterable[Block]
    ) -> None:
        """A kernel `name` on `stream` reads and writes these blocks."""
        time = stream.clock[stream.number] = stream.clock.get(stream.number, 0) + 1
        for blocks, writing in ((reads, False), (writes, True)):
            for block in blocks:
                self.accesses += 1
                end = block.start + block.size
                access = Access(block.start, end, stream.number, time, writing, name)
                self._seen[block.segment] = [
                    *self._after(access, stream.clock, self._seen.get(block.segment, [])),
                    access,
                ]

    def _after(self, new: Access, clock: Clock, old: Iterable[Access]) -> Iterable[Access]:
        """Report the races of `new` with `old`; yields those that later accesses may race with."""
        for access in old:
            if access.end <= new.start or new.end <= access.start:
                yield access
                continue
            ordered = clock.get(access.stream, 0) >= access.time
            if not ordered and (new.writes or access.writes):
                self.races.append(f"{_words(new)} what {_words(access)}")
            covered = new.start <= access.start and access.end <= new.end
            if not (ordered and covered and (new.writes or not access.writes)):
                yield access


def _words(access: Access) -> str:
    return f"{access.name} on stream {access.stream} {'writes' if access.writes else 'reads'}"
