"""What the engine's tests share."""

import multiprocessing
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine import Studio, open_studio
from tests.engine.builders import engine_settings, model_settings
from tests.engine.gate import Gate
from tests.engine.hub.conftest import cache as cache
from tests.engine.hub.conftest import fox as fox
from tests.engine.hub.conftest import hub as hub
from tests.engine.hub.conftest import server as server
from tests.engine.studios import Open


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Tiny tensors are slower on two threads than on one."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that have torch from the start; importing it takes seconds."""
    context = multiprocessing.get_context("fork")
    monkeypatch.setattr("engine.processes.child_process.CONTEXT", context)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """A gate that every step of a Stable Diffusion pipeline goes through; it is open."""
    from engine.diffusion.families.stepped import Stepped

    gate = Gate()
    step = Stepped.step

    def guarded(self: Stepped, samples: Any, on_step_end: Any) -> None:
        gate.wait()
        step(self, samples, on_step_end)

    monkeypatch.setattr(Stepped, "step", guarded)
    yield gate
    gate.open()


@pytest.fixture
def open_here(tmp_path: Path, tiny_model: Path) -> Open:
    """Opens the studio on the test's own folder, with settings that matter to the test."""

    @asynccontextmanager
    async def opened(
        folder: Path = tmp_path / "data", queue_size: int = 200, **changes: Any
    ) -> AsyncIterator[Studio]:
        models = {name: model_settings(tiny_model) for name in ("tiny", "other")}
        settings = engine_settings(**{"grace": 0.0} | changes)
        async with open_studio(settings, models, folder, queue_size) as studio:
            yield studio

    return opened


@pytest.fixture
async def studio(open_here: Open) -> AsyncIterator[Studio]:
    async with open_here() as studio:
        yield studio
