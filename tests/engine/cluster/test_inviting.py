"""Workers that are invited and revoked while the bot runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from engine.cluster.errors import ClusterError, KeyRefused
from engine.cluster.protocol.subjects import inbox_of
from engine.cluster.server.certificate import kept_certificate
from engine.cluster.server.connection import connected
from engine.cluster.server.invited_workers import InvitedWorkers
from engine.cluster.server.keys import new_key
from engine.cluster.server.nats_server import NatsServer
from tests.engine.cluster.painter import Painter, shows
from tests.engine.cluster.sides import Place, free_port, open_bot, open_worker, until


@pytest.fixture
async def inviting(tmp_path: Path) -> AsyncIterator[tuple[InvitedWorkers, Place]]:
    """A bot's own server that knows the attic, and not the cellar yet."""
    keys = {name: new_key() for name in ("attic", "cellar")}
    place = Place(free_port(), new_key(), keys, kept_certificate(tmp_path))
    invited = InvitedWorkers(tmp_path)
    invited.add("attic", keys["attic"].public)
    bound = ("127.0.0.1", place.port)
    async with NatsServer(tmp_path, bound, place.certificate, place.bot.public, invited):
        yield invited, place


@pytest.mark.slow
async def test_one_that_is_invited_while_another_paints_joins_at_once(
    inviting: tuple[InvitedWorkers, Place], tmp_path: Path, model: Path
) -> None:
    invited, place = inviting
    painter, other = Painter(), Painter()
    painter.brush.clear()
    async with (
        open_bot(place, tmp_path / "bot", model) as bot,
        open_worker(place.invitation("attic"), tmp_path / "attic", model, painter),
    ):
        await bot.until_here("attic")
        job = await bot.push(seed=6)
        await until(lambda: bool(painter.begun))
        invited.add("cellar", place.workers["cellar"].public)
        await admitted(place, "cellar")
        async with open_worker(place.invitation("cellar"), tmp_path / "cellar", model, other):
            await until(lambda: "cellar" in bot.here())
            painter.brush.set()
            assert shows(await bot.outcome(job), 6)


@pytest.mark.slow
async def test_a_revoked_worker_is_cut_off_and_another_one_may_come(
    inviting: tuple[InvitedWorkers, Place], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    invited, place = inviting
    refused: asyncio.Future[ClusterError] = asyncio.get_running_loop().create_future()
    async with connected(
        place.url,
        place.workers["attic"].seed,
        inbox_of("attic"),
        certificate=place.pem,
        on_fatal=refused.set_result,
    ) as client:
        invited.remove("attic")
        assert isinstance(await asyncio.wait_for(refused, 30), KeyRefused)
        assert not client.is_connected
    invited.add("cellar", place.workers["cellar"].public)
    await admitted(place, "cellar")


async def admitted(place: Place, worker: str) -> None:
    """Wait until the server knows the worker's key."""
    seed, inbox = place.workers[worker].seed, inbox_of(worker)
    async with asyncio.timeout(30):
        while True:
            with suppress(KeyRefused):
                async with connected(place.url, seed, inbox, certificate=place.pem):
                    return
            await asyncio.sleep(0.1)
