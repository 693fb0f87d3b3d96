"""What happened: every request of the bot, every refusal, every violation."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .errors import ApiError, Violation


@dataclass(slots=True)
class Request:
    """One HTTP request of the bot, and how it was answered."""

    method: str
    path: str
    """Without ``/api/v10``."""
    body: Any
    files: list[str]
    at: float
    """Seconds on the loop's clock."""
    status: int = 0
    code: int = 0
    """Discord's error code, 0 when there was none."""
    answer: Any = None

    def __str__(self) -> str:
        code = f" ({self.code})" if self.code else ""
        return f"{self.method} {self.path} -> {self.status}{code}"


@dataclass
class Expected:
    """Refusals that a test asked for; see `DiscordServer.expecting`."""

    code: int
    seen: list[str] = field(default_factory=list)


@dataclass
class Record:
    """The books the server keeps."""

    requests: list[Request] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    rate_limited: list[Request] = field(default_factory=list)
    _expected: list[Expected] = field(default_factory=list)

    def violation(self, code: int, text: str) -> None:
        """Something Discord would not put up with; fails the test unless it is expected."""
        for expected in self._expected:
            if expected.code == code:
                expected.seen.append(text)
                return
        self.violations.append(Violation(code, text))

    def refusal(self, request: Request, error: ApiError) -> None:
        """The bot was told no."""
        if not error.blameless:
            code = error.code or error.status
            self.violation(code, f"{request.method} {request.path}: {error.describe()}")

    @contextlib.contextmanager
    def expecting(self, code: int, *, at_least: int = 1) -> Iterator[Expected]:
        """Refusals with this code are what the test is about; fewer than that fail it."""
        expected = Expected(code)
        self._expected.append(expected)
        try:
            yield expected
        finally:
            self._expected.remove(expected)
        if len(expected.seen) < at_least:
            raise AssertionError(f"expected Discord to refuse with {code}; it did not")
