"""Many workers in one process, each a task that speaks the real protocol and paints in no time.

    python -m benchmarks.cluster.simulated_workers BOT_FOLDER PORT SECONDS < KEYS

`KEYS` is a line of JSON, the secrets of the workers by name; a job takes so many seconds.
"""

import asyncio
import contextlib
import json
import logging
import secrets
import sys
from pathlib import Path

from benchmarks.cluster.fixed_wait import FixedWait, picture
from benchmarks.cluster.models import SIDE, engine, models
from engine.cluster.bot.open_cluster import FOLDER
from engine.cluster.file_hashes import FileHashes
from engine.cluster.identity import Kind, Resource, Resources
from engine.cluster.protocol.measurements import card_of
from engine.cluster.protocol.messages import Beat, Hello, Paint, Stranger
from engine.cluster.protocol.parts import Offer
from engine.cluster.protocol.subjects import JOBS, inbox_of
from engine.cluster.server.certificate import kept_certificate
from engine.cluster.server.connection import connected
from engine.cluster.worker.bot_link import BotLink, NoAnswer
from engine.cluster.worker.delivery import deliver
from engine.models.catalogue import Catalogue

BEAT_SECONDS, FETCH_SECONDS, HELLO_SECONDS = 1.0, 5.0, 30.0
AT_ONCE = 10
"""Workers that connect side by side."""


class SimulatedWorker:
    """One worker."""

    def __init__(self, link: BotLink, offers: list[Offer], seconds: float) -> None:
        self._link = link
        self._offers = offers
        self._seconds = seconds
        self._leases: list[int] = []

    async def greet(self) -> None:
        """Begin a meeting."""
        hello = Hello(
            run=secrets.token_hex(8),
            program="simulated",
            batch_size=1,
            card=card_of(FixedWait(0).facts()),
            offers=self._offers,
        )
        self._link.epoch = (await self._link.ask(hello, HELLO_SECONDS)).epoch

    async def beat(self) -> None:
        """Ask for work each second."""
        while True:
            with contextlib.suppress(NoAnswer):
                answer = await self._link.ask(Beat(takes=1, leases=self._leases))
                if isinstance(answer, Stranger):
                    raise RuntimeError("the bot has forgotten a worker")
            await asyncio.sleep(BEAT_SECONDS)

    async def paint(self, stream: object) -> None:
        """Fetch one job after the other, and deliver its picture."""
        while True:
            try:
                [message] = await stream.fetch(1, FETCH_SECONDS)  # type: ignore[attr-defined]
                await message.ack()
            except TimeoutError:
                continue
            job = self._link.read(message.data)
            assert isinstance(job, Paint), "it has nothing else to do"
            self._leases = [job.lease]
            await asyncio.sleep(self._seconds)
            painted = [picture(job.recipe["seed"], SIDE, SIDE)]
            await deliver(self._link, job.lease, painted, lambda: True)
            self._leases = []


async def simulate(
    name: str,
    seed: str,
    url: str,
    certificate: str,
    offers: list[Offer],
    seconds: float,
    room: asyncio.Semaphore,
) -> None:
    """Be a worker until cancelled."""
    async with connected(url, seed, inbox_of(name), certificate=certificate) as client:
        link = BotLink(name)
        link.client = client
        worker = SimulatedWorker(link, offers, seconds)
        async with room:
            await worker.greet()
        stream = await client.jetstream().pull_subscribe_bind(name, JOBS)
        await asyncio.gather(worker.beat(), worker.paint(stream))


async def main(folder: Path, port: int, seconds: float) -> None:
    """Be all of them."""
    keys: dict[str, str] = json.loads(sys.stdin.readline())
    settings, hashes = engine(), FileHashes()
    catalogue = Catalogue(models(steps=1), settings.default_model)
    resources = Resources(settings, catalogue, hashes)
    model = Resource(Kind.MODEL, "wait")
    digest = resources.hashes_of([model])[model]
    offers = [Offer(kind=model.kind, name=model.name, hash=digest)]
    certificate = kept_certificate(folder / FOLDER).file.read_text("ascii")
    room = asyncio.Semaphore(AT_ONCE)
    url = f"nats://127.0.0.1:{port}"
    async with asyncio.TaskGroup() as group:
        for name, seed in keys.items():
            group.create_task(simulate(name, seed, url, certificate, offers, seconds, room))


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
