"""The bot's line to a worker during one meeting, which all of the worker's devices share."""

import logging
from typing import TYPE_CHECKING

from engine.cluster.bot.outgoing_files import OutgoingFiles
from engine.cluster.identity import Resource
from engine.cluster.protocol.encoding import encode
from engine.cluster.protocol.messages import Message
from engine.cluster.protocol.subjects import jobs_of, to_worker

if TYPE_CHECKING:
    from nats.aio.client import Client

log = logging.getLogger(__name__)


class WorkerLine:
    """Sends a worker messages, each with the epoch of the meeting.

    Attributes:
        worker: The worker's name.
        epoch: The meeting's name.
        files: The files for it.
        usable: What it has, with the same hashes as here; that changes when models do.
        takes: For how many pictures in all it asks; 0 once the meeting is over.
    """

    def __init__(
        self,
        worker: str,
        epoch: str,
        client: "Client",
        files: OutgoingFiles,
        usable: dict[Resource, str],
    ) -> None:
        self.worker = worker
        self.epoch = epoch
        self.files = files
        self.usable = usable
        self.takes = 0
        self._client = client

    async def tell(self, message: Message) -> None:
        """Send a message besides jobs; it is lost without a connection."""
        from nats.errors import Error

        try:
            data = encode(message.model_copy(update={"epoch": self.epoch}))
            await self._client.publish(to_worker(self.worker), data)
        except (Error, OSError) as error:
            log.debug("A message to %s is lost: %s", self.worker, error)

    async def put_job(self, data: bytes) -> bool:
        """Put a job into the stream, where the worker fetches it; returns whether that worked."""
        from nats.errors import Error

        try:
            await self._client.jetstream().publish(jobs_of(self.worker), data)
        except (Error, OSError, TimeoutError) as error:
            log.debug("A job for %s couldn't be published: %s", self.worker, error)
            return False
        return True
