"""What the page and the metrics are made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cli.web.recent_problems import RecentProblems
from engine import Job, Studio

Picture = tuple[Job, tuple[int, ...]]
"""A job, and the indices of those of its pictures that may be shown."""


class Traffic(Protocol):
    """What has passed between the bot and Discord since the start."""

    @property
    def responses(self) -> Mapping[str, int]:
        """Answers to HTTP requests by status class, such as `2xx`; `none` for lost ones."""

    @property
    def rate_limited(self) -> int:
        """Answers that told to wait."""

    @property
    def deliveries(self) -> int:
        """Outcomes that were shown."""

    @property
    def delivery_failures(self) -> Mapping[str, int]:
        """Attempts to show one that failed, by reason."""


class BotView(Protocol):
    """What is asked of the bot."""

    @property
    def name(self) -> str | None:
        """Its name on Discord, once that is known."""

    @property
    def connected(self) -> bool:
        """Whether Discord's gateway is connected."""

    @property
    def latency(self) -> float | None:
        """Seconds between the gateway's heartbeats and its answers, once that is known."""

    @property
    def traffic(self) -> Traffic:
        """What has passed between it and Discord."""

    async def public_pictures(self, size: int) -> Sequence[Picture]:
        """At most `size` jobs with pictures that everyone may see, newest first."""

    def is_public(self, message_ref: Any) -> bool:
        """Whether everyone may see what the message of a job or a training shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the page and the metrics are made from.

    Attributes:
        studio: The engine.
        bot: The bot.
        problems: The latest warnings and errors of the log.
        folder: The data folder.
        version: Of the program.
    """

    studio: Studio
    bot: BotView
    problems: RecentProblems
    folder: Path
    version: str
