"""The settings of workers on other machines, for the bot's side and for theirs."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator

from engine.settings import Section, listed

LISTEN = re.compile(r"(?P<host>[\w.-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>\d{1,5})")
URL = re.compile(r"(nats|tls)://[^\s/@]+")

DEFAULT_PORT = 4222
"""NATS's own."""


class ClusterSettings(Section):
    """Where workers on other machines meet the bot. Without it there is no network."""

    listen: str | None = Field(
        default=None,
        description='Address and port where the bot has a NATS server of its own, such as "'
        '0.0.0.0:4222". Unset: no server.',
    )
    address: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9.:\[\]-]+$",
        max_length=255,
        description="This machine's name or address in invitations, and a port if others see "
        "another one. Unset: its address in the local network.",
    )
    url: str | None = Field(
        default=None,
        description="A NATS server that you run yourself, such as "
        '"tls://nats.example.org:4222", instead of one of the bot\'s own; `listen` has no effect '
        "then.",
    )

    @field_validator("listen")
    @classmethod
    def _is_address(cls, text: str | None) -> str | None:
        found = LISTEN.fullmatch(text or "")
        if text and (found is None or not 0 < int(found["port"]) < 65536):
            raise ValueError('Allowed: an address and a port, such as "0.0.0.0:4222".')
        return text or None

    @field_validator("url")
    @classmethod
    def _is_url(cls, text: str | None) -> str | None:
        if text and not URL.fullmatch(text):
            raise ValueError('Allowed: an address such as "tls://nats.example.org:4222".')
        return text or None

    @property
    def enabled(self) -> bool:
        """Whether there are workers on other machines at all."""
        return bool(self.listen or self.url)

    @property
    def bound(self) -> tuple[str, int]:
        """Host and port of the server of the bot's own. Call it only if it has one."""
        found = LISTEN.fullmatch(self.listen or "")
        assert found, "without `listen` there is no server"
        return found["host"].strip("[]"), int(found["port"])


class WorkerSettings(Section):
    """How this machine paints for a bot on another one."""

    pause_when: Annotated[tuple[str, ...], BeforeValidator(listed)] = Field(
        default=(),
        description="Programs while which run nothing is painted, by the names of their "
        "processes; “busy card” stands for anything that keeps an NVIDIA card busy.",
    )
    cache_gb: Annotated[float, Field(gt=0, le=1_000_000)] = Field(
        default=10.0,
        description="Gigabytes for start images and LoRAs that the bot has sent. Beyond that the "
        "oldest are removed.",
    )
