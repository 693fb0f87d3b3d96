"""What people do with a studio, and what they see of it."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from engine import ImageRequest, JobEvent, Requester, Studio
from tests.engine.gate import Gate

Open = Callable[..., AbstractAsyncContextManager[Studio]]

APP = ImageRequest(prompt="a red house", seed=7)


async def events(studio: Studio, job_id: int) -> list[JobEvent]:
    """What a watcher sees until the job is over."""
    async with asyncio.timeout(60):
        return [event async for event in studio.watch(job_id)]


async def outcome(studio: Studio, job_id: int) -> JobEvent:
    return (await events(studio, job_id))[-1]


async def submit(studio: Studio, owner: str = "ada", **asked: Any) -> int:
    values: dict[str, Any] = {"prompt": "a red house", "seed": 7}
    request = ImageRequest(**values | asked)
    return (await studio.submit(request, Requester(owner=owner))).id


async def reached(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.reached.wait, 60)
