"""NATS's client, but one that says nothing to a server without TLS when TLS is wanted.

The library's own begins TLS only where the server asks for it. Whoever sits in between could leave
that out, pass on the key's signature, and read and write everything.
"""

from typing import Any

from nats.aio.client import Client

from engine.cluster.errors import NoEncryption


class EncryptedClient(Client):
    """A client that gives up a connection, before it says who it is, if it isn't encrypted."""

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        if initial_connection and self.options.get("tls") and not info.get("tls_required"):
            raise NoEncryption
        await super()._process_info(info, initial_connection)
