"""The requester: who asks for pictures, from where, and under which rules."""

from dataclasses import dataclass
from typing import Any

from engine.jobs.context import RequestContext
from engine.jobs.job import Parent
from engine.jobs.rate_limits import RateLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """Everything about a request but what to paint.

    Attributes:
        owner: Who asks; fairness and limits count by it.
        scope: Where the request comes from, such as a server.
        message_ref: Where the answer belongs, any JSON value (opaque here).
        rate_limits: What the owner may use; `None` sets no limit.
        parent: The picture that the request is based on.
        review: The number of the held request that a moderator approves with this: it is decided
            in the transaction that stores the jobs, and only once.
        act: The number of the act that asks, if it is kept (see `engine.store.acts`): that it is
            stored is written in the transaction that stores the jobs.
        context: What `scope` has decided; loaded if `None`.
    """

    owner: str
    scope: str = ""
    message_ref: Any = None
    rate_limits: RateLimits | None = None
    parent: Parent | None = None
    review: int | None = None
    act: int | None = None
    context: RequestContext | None = None
