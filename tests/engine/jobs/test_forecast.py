"""What a request would wait for, asked before it is made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine import ImageRequest, InvalidRequest, Requester, Studio, open_studio
from tests.engine.builders import engine_settings, model_settings
from tests.engine.gate import Gate

pytestmark = pytest.mark.usefixtures("one_thread")

APP = ImageRequest(prompt="a red house", seed=7)


@pytest.fixture
async def studio(tmp_path: Path, tiny_model: Path) -> AsyncIterator[Studio]:
    """A studio that paints one picture at a time."""
    models = {name: model_settings(tiny_model) for name in ("tiny", "other")}
    settings = engine_settings(grace=0.0, batch_size=1)
    async with open_studio(settings, models, tmp_path / "data", 200) as studio:
        yield studio


async def submit(studio: Studio, owner: str) -> int:
    return (await studio.submit(APP, Requester(owner=owner))).id


async def learned(studio: Studio) -> None:
    """A picture is painted: from then on times are known."""
    async for _ in studio.watch(await submit(studio, "learner")):
        pass


async def test_nothing_is_foreseen_before_anything_was_measured(studio: Studio) -> None:
    assert await studio.forecast([APP], Requester(owner="alice")) is None


async def test_it_is_what_the_job_hears_when_it_comes(studio: Studio, gate: Gate) -> None:
    await learned(studio)
    gate.shut()
    for owner in ("bob", "bob", "bob", "alice"):
        await submit(studio, owner)
    before = [(job.id, event.seconds_left) for job, event in studio.queue()]
    alone = await studio.forecast([APP], Requester(owner="carol"))
    several = await studio.forecast([APP] * 3, Requester(owner="carol"))
    assert alone is not None
    assert several is not None
    assert alone < several
    assert [(job.id, event.seconds_left) for job, event in studio.queue()] == before
    assert len(studio.queue()) == 4, "what might come does not wait"
    job = await submit(studio, "carol")
    assert studio.event(job).seconds_left == alone
    gate.open()


async def test_what_cannot_be_painted_is_refused_as_ever(studio: Studio) -> None:
    with pytest.raises(InvalidRequest):
        await studio.forecast([ImageRequest(prompt=" ")], Requester(owner="alice"))
