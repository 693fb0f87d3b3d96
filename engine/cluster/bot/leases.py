"""Which jobs a worker has, each under the number of this attempt to paint it.

A job that is painted again, here or elsewhere, gets another number. So what comes of an attempt
that was given up is known as such, whenever it comes.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from engine.cluster.protocol.pictures import Assembly
from engine.devices.messages import ProcessPicture, RunJob

REMEMBERED = 500
"""How many finished attempts are remembered, so that repeated reports are told from late ones."""


@dataclass(eq=False)
class Lease:
    """An attempt.

    Attributes:
        number: What the worker calls it.
        command: What the worker is to do.
        assembly: The parts of its pictures that have arrived.
        rounds: How often they have been sent.
        checking: Whether its pictures are being checked.
        named_at: When it was on its way, or the worker last said that it has it; monotonic seconds.
    """

    number: int
    command: RunJob | ProcessPicture
    assembly: Assembly | None = None
    rounds: int = 0
    checking: bool = False
    named_at: float | None = None

    @property
    def job_id(self) -> int:
        """The job that is painted."""
        return self.command.job.id


class Leases:
    """The attempts of one worker; all workers' are numbered together."""

    def __init__(self, numbers: Iterator[int]) -> None:
        """Take the numbers that are free."""
        self._numbers = numbers
        self._live: dict[int, Lease] = {}
        self._done: deque[int] = deque(maxlen=REMEMBERED)

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[Lease]:
        return iter(list(self._live.values()))

    def begin(self, command: RunJob | ProcessPicture) -> Lease:
        """A new attempt."""
        lease = Lease(next(self._numbers), command)
        self._live[lease.number] = lease
        return lease

    def get(self, number: int) -> Lease | None:
        """A live attempt, if it is one."""
        return self._live.get(number)

    def of_job(self, job_id: int) -> Lease | None:
        """The live attempt at a job, if there is one."""
        return next((lease for lease in self._live.values() if lease.job_id == job_id), None)

    def end(self, lease: Lease) -> bool:
        """It is over; returns whether it was live."""
        self._done.append(lease.number)
        return self._live.pop(lease.number, None) is not None

    def has_ended(self, number: int) -> bool:
        """Whether that was an attempt until lately."""
        return number in self._done
