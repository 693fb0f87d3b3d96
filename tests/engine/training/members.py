"""What members do with trainings, and what tests wait for."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from io import BytesIO
from typing import Any

import pytest

from engine import (
    ImageRequest,
    Requester,
    Studio,
    Training,
    TrainingKind,
    TrainingState,
)
from tests.engine.training.pictures import picture
from tests.engine.training.runner import Runner

Open = Callable[..., AbstractAsyncContextManager[Studio]]

HERE = "guild:1"

STATES = TrainingState


def png(seed: int, size: tuple[int, int] = (160, 128), **options: Any) -> bytes:
    buffer = BytesIO()
    picture(seed, size).save(buffer, options.pop("format", "PNG"), **options)
    return buffer.getvalue()


async def new(studio: Studio, name: str = "zork", owner: str = "ada", **changes: Any) -> Training:
    values: dict[str, Any] = {
        "scope": HERE,
        "message_ref": None,
        "model": "sketch",
        "kind": TrainingKind.SUBJECT,
        "trigger": "zork",
        "private": False,
    }
    return await studio.trainings.new(owner=owner, name=name, **values | changes)


async def ready(studio: Studio, name: str = "zork", owner: str = "ada", **more: Any) -> Training:
    """A training with as many pictures as it needs."""
    training = await new(studio, name, owner, **more)
    for seed in range(6):
        training = await studio.trainings.add_picture(training.id, png(seed), f"picture {seed}")
    return training


async def begun(studio: Studio, name: str = "zork", owner: str = "ada", **more: Any) -> Training:
    training = await ready(studio, name, owner, **more)
    return await studio.trainings.start(training.id, steps=10, checkpoint_every=4)


async def eventually(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def until(studio: Studio, training: Training, *states: TrainingState) -> Training:
    """Wait until it is in one of these states."""
    async with asyncio.timeout(20):
        async for event in studio.trainings.watch(training.id):
            if event.training.state in states:
                return event.training
    raise AssertionError(f"it is {event.training.state}")


async def process(runners: list[Runner], number: int) -> Runner:
    """The process that was started as that one, counted from 1."""
    await eventually(lambda: len(runners) >= number)
    return runners[number - 1]


async def painted(studio: Studio) -> None:
    request = ImageRequest(prompt="a red circle", num_inference_steps=1)
    job = await studio.submit(request, Requester(owner="bob", scope=HERE))
    async for _ in studio.watch(job.id):
        pass


def on_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training and painting don't fit beside each other."""

    async def no(self: object) -> bool:
        return False

    monkeypatch.setattr("engine.training.preparation.TrainingPreparation.shares_device", no)
