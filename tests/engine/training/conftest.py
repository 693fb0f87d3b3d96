"""Members who train, without torch; and folders to be filled with pictures."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine import (
    Studio,
    TrainingSettings,
    open_studio,
)
from engine.memory.device import DeviceFacts
from engine.training.plan import TrainingPlan
from engine.training.planning import PlanQuestion
from tests.engine.builders import engine_settings
from tests.engine.training.members import Open
from tests.engine.training.pictures import Folder
from tests.engine.training.runner import Runner


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    path = tmp_path / "figures"
    path.mkdir()
    return Folder(path)


@pytest.fixture
def runners(monkeypatch: pytest.MonkeyPatch) -> list[Runner]:
    """Every process that was started, in order."""
    started: list[Runner] = []

    def start(*arguments: Any) -> Runner:
        started.append(Runner(*arguments))
        return started[-1]

    async def planned(question: PlanQuestion) -> TrainingPlan:  # without torch
        return TrainingPlan(request=question.request, needs=None)

    monkeypatch.setattr("engine.training.preparation.planned", planned)
    monkeypatch.setattr(
        "engine.devices.device_thread.device_facts", lambda _: DeviceFacts.imagined(8 * 10**9)
    )
    monkeypatch.setattr("engine.training.runner.TrainingProcess", start)
    monkeypatch.setattr("engine.training.scheduling.LOOK", 0.02)
    return started


@pytest.fixture
def open_here(tmp_path: Path) -> Open:
    @asynccontextmanager
    async def opened(**changes: Any) -> AsyncIterator[Studio]:
        settings = TrainingSettings(**{"idle_minutes": 0} | changes)
        engine = engine_settings(default_model="sketch", grace=0.2)
        async with open_studio(engine, {}, tmp_path / "data", training=settings) as studio:
            yield studio

    return opened
