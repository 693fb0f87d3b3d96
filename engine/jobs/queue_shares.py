"""Shares of the queue: neither a person nor a server can fill it for the others.

Every job counts, so a grid counts as its cells.
"""

from engine.errors import LimitReached, QueueFull
from engine.grids.layout import MAX_CELLS
from engine.jobs.requester import Requester
from speech import say_many

TINY = 8
"""A queue for fewer jobs has no shares."""


def person_share(queue_size: int) -> int:
    """How many jobs of one person may wait: an eighth of the queue, but at least one grid.

    Of a small queue, three quarters; all of a tiny one.
    """
    if queue_size < TINY:
        return queue_size
    return max(1, queue_size // 8, min(queue_size - queue_size // 4, MAX_CELLS))


def server_share(queue_size: int) -> int:
    """How many jobs from one server may wait: half of the queue, or all of a tiny one."""
    if queue_size < TINY:
        return queue_size
    return max(1, (queue_size + 1) // 2)


def check_shares(requester: Requester, own: int, of_scope: int, jobs: int, queue_size: int) -> None:
    """Refuse jobs beyond a share. A requester without limits has the whole queue.

    Args:
        requester: Who asks.
        own: How many jobs of theirs wait.
        of_scope: How many from where they ask.
        jobs: How many jobs for.
        queue_size: How many may wait in all.

    Raises:
        LimitReached: When the person has used up their share.
        QueueFull: When the server has.
    """
    if requester.rate_limits is None:
        return
    most = person_share(queue_size)
    if own + jobs > most:
        raise LimitReached(
            say_many(
                "You have {number} job in the queue and asked for {jobs} more, but one person can "
                "have {most} there. Wait for some to finish, or cancel some.",
                "You have {number} jobs in the queue and asked for {jobs} more, but one person can "
                "have {most} there. Wait for some to finish, or cancel some.",
                own,
                jobs=jobs,
                most=most,
            )
        )
    most = server_share(queue_size)
    if requester.scope and of_scope + jobs > most:
        raise QueueFull(
            say_many(
                "This server has used up its share of the queue ({number} job). Try again in a "
                "few minutes.",
                "This server has used up its share of the queue ({number} jobs). Try again in a "
                "few minutes.",
                most,
            )
        )
