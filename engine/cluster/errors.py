"""What can go wrong between the bot and its workers, and what has to be installed for them."""

import importlib.util

from engine.errors import AtelierError
from speech import say

PACKAGES = ("nats", "nkeys", "nacl", "msgpack", "cryptography")
"""What the extra `cluster` brings, as it is imported."""


class ClusterError(AtelierError):
    """The bot and its workers can't meet; the text says why and what would help."""


class KeyRefused(ClusterError):
    """The server doesn't know the key, or no longer."""


class ConnectionLost(ClusterError):
    """The server can't be reached, or has closed the connection for good; a new one may work."""


class NoEncryption(OSError):
    """A server doesn't ask for TLS, which is wanted."""


class BadInvitation(ClusterError):
    """A line that isn't an invitation."""


def require_packages() -> None:
    """Raise `ClusterError` unless the extra `cluster` is installed."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ClusterError(
            say(
                "Workers on other machines need more packages ({packages}). Install them with: "
                "pip install -e '.[cluster]'",
                packages=", ".join(missing),
            )
        )
