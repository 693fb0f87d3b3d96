"""Trouble on order: requests that fail, wait, or lose their answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

CODES = {401: 0, 403: 50013, 404: 10008, 413: 40005}
MESSAGES = {
    401: "401: Unauthorized",
    403: "Missing Permissions",
    404: "Unknown Message",
    413: "Request entity too large",
}


@dataclass(slots=True)
class Fault:
    """What happens to the next `times` requests that match."""

    method: str
    path: re.Pattern[str]
    times: int
    status: int | None = None
    code: int | None = None
    retry_after: float = 0.3
    lose_answer: bool = False
    delay: float = 0.0
    silent: bool = False
    """It takes effect, and no answer comes."""
    hits: int = 0
    """How many requests it has met."""

    def body(self) -> dict[str, object] | str:
        """The body of the refusal; a broken server answers in HTML, as Discord's proxy does."""
        assert self.status is not None
        if self.status == 429:
            text = "You are being rate limited."
            return {"message": text, "retry_after": self.retry_after, "global": False}
        if self.status >= 500:
            return f"<html><body>{self.status}</body></html>"
        code = CODES.get(self.status, 0) if self.code is None else self.code
        return {"message": MESSAGES.get(self.status, "Refused"), "code": code}


class Trouble(NamedTuple):
    """What faults do to one request."""

    refusal: Fault | None
    delay: float
    silent: bool


class Faults:
    """The orders, oldest first."""

    def __init__(self) -> None:
        self._orders: list[Fault] = []

    def order(self, fault: Fault) -> Fault:
        """Add one."""
        self._orders.append(fault)
        return fault

    def meet(self, method: str, path: str) -> Trouble:
        """What is in store for this request; uses the orders up."""
        refusal, delay, silent = None, 0.0, False
        for fault in self._orders:
            if not fault.times or fault.method not in (method, "*"):
                continue
            if not fault.path.fullmatch(path):
                continue
            if fault.status is not None and refusal is not None:
                continue
            fault.times -= 1
            fault.hits += 1
            delay += fault.delay
            silent |= fault.silent
            if fault.status is not None:
                refusal = fault
        self._orders = [fault for fault in self._orders if fault.times]
        return Trouble(refusal, delay, silent)

    def clear(self) -> None:
        """Call off what has not happened yet."""
        self._orders.clear()
