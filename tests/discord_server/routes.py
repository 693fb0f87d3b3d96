"""The table of routes, and what a handler gets and gives."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from .uploads import Upload

if TYPE_CHECKING:
    from .world import World


@dataclass(slots=True)
class Call:
    """One request that found its route."""

    world: World
    params: dict[str, str]
    query: Mapping[str, str]
    body: Any = None
    files: dict[int, Upload] = field(default_factory=dict)
    arrived: float = 0.0

    def id(self, name: str) -> int:
        """A path parameter that is an id."""
        return int(self.params[name])


class Reply(NamedTuple):
    """What a handler answers; a body of None is 204."""

    body: Any = None
    status: int = 200


Handler = Callable[[Call], Awaitable[Reply]]


class Route(NamedTuple):
    """A method and a path as Discord's OpenAPI document writes it, with its handler."""

    method: str
    path: str
    pattern: re.Pattern[str]
    handler: Handler
    authorized: bool


class Routes:
    """Routes in order of registration; the first match wins."""

    def __init__(self) -> None:
        self.table: list[Route] = []

    def add(
        self, method: str, path: str, *, authorized: bool = True
    ) -> Callable[[Handler], Handler]:
        """Register a handler; `authorized`: the request needs the bot's token."""

        def register(handler: Handler) -> Handler:
            pattern = re.sub(r"\\{(\w+)\\}", _group, re.escape(path))
            self.table.append(Route(method, path, re.compile(pattern), handler, authorized))
            return handler

        return register

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route for a request and its path parameters."""
        for route in self.table:
            match = route.pattern.fullmatch(path) if route.method == method else None
            if match:
                return route, match.groupdict()
        return None


def _group(match: re.Match[str]) -> str:
    name = match[1]
    return f"(?P<{name}>[^/]+)" if name.endswith("token") else rf"(?P<{name}>\d+)"
