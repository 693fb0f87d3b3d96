"""What tests of a studio whose models change share."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from engine import ImageRequest, JobState, Requester, Studio

Open = Callable[..., AbstractAsyncContextManager[Studio]]


async def outcome(studio: Studio, **asked: Any) -> JobState:
    """How a small picture ends."""
    values: dict[str, Any] = {"prompt": "a red house", "width": 256, "height": 256}
    request = ImageRequest(**values | {"num_inference_steps": 1} | asked)
    job = await studio.submit(request, Requester(owner="ada", scope="guild"))
    async with asyncio.timeout(60):
        return [event async for event in studio.watch(job.id)][-1].state


def names(studio: Studio) -> list[str]:
    return [model.name for model in studio.models]


def weights_in(cache: Path) -> list[Path]:
    """The weights that have come."""
    return list(cache.rglob("*.safetensors"))
