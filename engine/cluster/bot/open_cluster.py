"""Opens the bot's side of the cluster: its own server or another one, and the talk with workers."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from engine.cluster.bot.cluster import SILENCE, Cluster
from engine.cluster.bot.kept_connection import KeptConnection
from engine.cluster.errors import require_packages
from engine.cluster.file_hashes import FileHashes
from engine.cluster.identity import Resources
from engine.cluster.protocol.job_messages import FindLora
from engine.cluster.server.certificate import kept_certificate
from engine.cluster.server.invited_workers import InvitedWorkers
from engine.cluster.server.keys import kept_key
from engine.cluster.server.nats_server import NatsServer
from engine.cluster.settings import ClusterSettings
from engine.cluster.version import program_version
from engine.devices.dispatcher import Dispatcher

log = logging.getLogger(__name__)

FOLDER = "cluster"
"""In the data folder: the bot's key, the certificate, who is invited, and the server's files."""


@asynccontextmanager
async def open_cluster(
    settings: ClusterSettings,
    folder: Path,
    dispatcher: Dispatcher,
    resources: Resources,
    hashes: FileHashes,
    lora: FindLora,
    *,
    silence: float = SILENCE,
) -> AsyncIterator[Cluster | None]:
    """The cluster of the settings; `None` if they want none.

    Args:
        settings: Which server.
        folder: The data folder.
        dispatcher: Where the workers' devices are attached.
        resources: What this machine has.
        hashes: The hashes of files.
        lora: Finds the files of LoRAs.
        silence: Seconds without a word after which a worker is gone.

    Raises:
        ClusterError: When the server can't be started or reached.
        StorageError: When the folder can't be used.
    """
    if not settings.enabled:
        yield None
        return
    require_packages()
    place = folder / FOLDER
    async with AsyncExitStack() as stack:
        key = kept_key(place / "bot.nk")
        if settings.url is not None:
            url, certificate = settings.url, None
        else:
            own = kept_certificate(place)
            server = NatsServer(place, settings.bound, own, key.public, InvitedWorkers(place))
            host, port = (await stack.enter_async_context(server)).place
            url, certificate = f"nats://{host}:{port}", own.file.read_text("ascii")
        cluster = Cluster(dispatcher, resources, hashes, lora, program_version(), silence=silence)
        await stack.enter_async_context(KeptConnection(cluster, url, key, certificate))
        yield cluster
