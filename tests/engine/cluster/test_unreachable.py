"""A bot's machine that isn't there."""

import asyncio
import contextlib
import logging

import pytest

from engine.cluster.server.invitation import Invitation
from engine.cluster.server.keys import new_key
from engine.cluster.worker import run_worker


async def test_a_line_a_minute_says_that_the_bots_machine_is_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[int] = []

    async def refuse(host: str, port: int, wanted: str) -> str:
        asked.append(port)
        raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr(run_worker, "certificate_of", refuse)
    monkeypatch.setattr(run_worker, "AGAIN_SECONDS", 0.0)
    one = Invitation(host="pc", port=4222, name="attic", key=new_key(), fingerprint="f" * 43)
    with caplog.at_level(logging.WARNING), contextlib.suppress(TimeoutError):
        await asyncio.wait_for(run_worker._certificate(one), 0.1)
    assert len(asked) > 5
    assert [record.getMessage() for record in caplog.records] == [
        "The bot's machine (nats://pc:4222) can't be reached: [Errno 111] refused"
    ]
