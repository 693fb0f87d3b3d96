"""The one line that an owner pastes on another machine, so that it paints for the bot.

    nats://SEED@192.168.1.20:4222/laptop#FINGERPRINT

It holds the worker's secret: whoever has it can paint for the bot in its name.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from engine.cluster.errors import BadInvitation
from engine.cluster.protocol.subjects import NAME
from engine.cluster.server.keys import Key, key_of
from engine.cluster.settings import DEFAULT_PORT
from speech import say

FINGERPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
"""As `engine.cluster.server.certificate.fingerprint` makes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """How a worker finds the bot, and the bot knows it.

    Attributes:
        scheme: `nats`, or `tls` for a server with a certificate that every machine trusts.
        host: Name or address of the server.
        port: Its port.
        name: What the worker is called.
        key: Its key.
        fingerprint: Of the server's certificate; `None` for those that the system trusts, or none.
    """

    host: str
    port: int
    name: str
    key: Key
    fingerprint: str | None = None
    scheme: str = "nats"

    @property
    def url(self) -> str:
        """Where the server is, without a secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def line(self) -> str:
        """What is pasted; secret."""
        place = self.url.removeprefix(f"{self.scheme}://")
        end = f"#{self.fingerprint}" if self.fingerprint else ""
        return f"{self.scheme}://{self.key.seed}@{place}/{self.name}{end}"

    @classmethod
    def read(cls, line: str) -> Self:
        """The invitation that somebody has pasted. Raises `BadInvitation`."""
        try:
            parts = urlsplit(line.strip().strip("\"'"))
            name = parts.path.strip("/")
            if parts.scheme not in ("nats", "tls") or not parts.hostname:
                raise ValueError("not an address")
            if NAME.fullmatch(name) is None:
                raise ValueError("no name")
            if parts.fragment and FINGERPRINT.fullmatch(parts.fragment) is None:
                raise ValueError("its end is missing")
            return cls(
                scheme=parts.scheme,
                host=parts.hostname,
                port=parts.port or DEFAULT_PORT,
                name=name,
                key=key_of(parts.username or ""),
                fingerprint=parts.fragment or None,
            )
        except ValueError as error:
            raise BadInvitation(
                say(
                    "That isn't an invitation. On the bot's machine, `python bot.py worker invite "
                    "NAME` prints one; paste the whole line, in quotes."
                )
            ) from error


def own_address() -> str:
    """This machine's address in the local network; the loopback address if it has none.

    Nothing is sent: the system only says which of its addresses it would use.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address that documentation uses and nobody has
            return str(ipaddress.ip_address(probe.getsockname()[0]))
        except OSError:
            return "127.0.0.1"
