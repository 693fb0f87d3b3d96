"""Verdicts on what the studio paints: made once, kept, inherited, overruled; never left out."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import (
    AtelierError,
    ImageRequest,
    JobState,
    Parent,
    Requester,
    SafetySettings,
    Studio,
    open_studio,
)
from engine.diffusion.image_classifier import ImageClassifier
from engine.jobs.process import Process, ProcessKind
from engine.safety.verdict import UNCHECKED, SafetyVerdict
from tests.engine.builders import engine_settings, model_settings
from tests.tiny.classifier import classifier

pytestmark = pytest.mark.usefixtures("one_thread")

APP = ImageRequest(prompt="a red house", seed=7, count=2)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier that flags everything."""
    return classifier(tmp_path_factory.mktemp("strict"), "all")


@asynccontextmanager
async def opened(tiny_model: Path, folder: Path, **safety: Any) -> AsyncIterator[Studio]:
    models = {"tiny": model_settings(tiny_model)}
    engine = engine_settings(grace=0.0)
    rules = SafetySettings(**safety)
    async with open_studio(engine, models, folder, safety=rules) as studio:
        yield studio


async def painted(studio: Studio, request: ImageRequest = APP) -> int:
    """A job that has been painted, checked and settled."""
    job = await studio.submit(request, Requester(owner="ada"))
    async with asyncio.timeout(60):
        [*_, last] = [event async for event in studio.watch(job.id)]
    assert last.state is JobState.PAINTED, last
    await studio.mark_delivered(job.id)
    return job.id


async def test_without_a_classifier_nothing_is_said(tiny_model: Path, tmp_path: Path) -> None:
    async with opened(tiny_model, tmp_path) as studio:
        assert not studio.safety.enabled
        assert await studio.safety.verdicts(await painted(studio)) == ()


async def test_a_decision_is_kept_with_its_score_and_can_be_overruled(
    tiny_model: Path, tmp_path: Path, strict: Path
) -> None:
    async with opened(tiny_model, tmp_path, classifier=str(strict)) as studio:
        assert studio.safety.enabled
        job_id = await painted(studio)
        other = await painted(studio)
        verdicts = await studio.safety.verdicts(job_id)
        assert [verdict.label for verdict in verdicts] == ["nsfw", "nsfw"]
        assert all(each.unsafe and each.score and each.score > 0.99 for each in verdicts)
    async with opened(tiny_model, tmp_path) as studio:  # the decision outlives the classifier
        assert await studio.safety.verdicts(job_id) == verdicts
        assert await studio.safety.release(job_id)
        assert not await studio.safety.release(job_id)
        assert not any(each.unsafe for each in await studio.safety.verdicts(job_id))
        assert all(each.unsafe for each in await studio.safety.verdicts(other))
        assert [job.id for job in await studio.undelivered()] == [job_id]
        await studio.delete(job_id)
        assert list(await studio.safety.verdicts_of([job_id, other])) == [other]


async def test_an_enlarged_copy_has_the_verdict_of_its_picture(
    tiny_model: Path, tmp_path: Path, strict: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tiny_model, tmp_path, classifier=str(strict)) as studio:
        job_id = await painted(studio)
        looked: list[object] = []
        monkeypatch.setattr(ImageClassifier, "classify", lambda _, picture: looked.append(picture))
        copy = await studio.enlarge(Parent(job_id, 1), 2, Requester(owner="bob"))
        assert await studio.safety.verdicts(copy.id) == (await studio.safety.verdicts(job_id))[1:]
        await studio.safety.release(job_id)
        copy = await studio.enlarge(Parent(job_id, 1), 2, Requester(owner="bob"))
        assert [each.released for each in await studio.safety.verdicts(copy.id)] == [True]
        source = (await studio.job(job_id)).recipe
        upscale = Process(kind=ProcessKind.UPSCALE, image="a.png", network="net")
        made = replace(source, seed=source.seeds[1], count=1, enlarged=2, process=upscale)
        [verdict] = await studio.safety.check(made, Parent(job_id, 1), ())
        assert verdict.released
        assert not looked
        cut = replace(made, process=replace(upscale, kind=ProcessKind.BACKGROUND))
        assert await studio.safety.check(cut, Parent(job_id, 1), ()) == (), "looks for itself"


async def test_a_copy_of_another_prompt_is_checked_itself(
    tiny_model: Path, tmp_path: Path, strict: Path
) -> None:
    lax = classifier(tmp_path / "lax", "none")
    async with opened(tiny_model, tmp_path / "data", classifier=str(lax)) as studio:
        job_id = await painted(studio)
    async with opened(tiny_model, tmp_path / "data", classifier=str(strict)) as studio:
        request = ImageRequest(prompt="a blue house", seed=7, enlarged=2)
        job = await studio.submit(request, Requester(owner="bob", parent=Parent(job_id, 0)))
        [*_, _last] = [event async for event in studio.watch(job.id)]
        assert [each.flagged for each in await studio.safety.verdicts(job.id)] == [True]


@pytest.mark.parametrize("problem", ["no files", "label", "broken"])
async def test_what_cannot_be_checked_counts_as_unsafe(
    tiny_model: Path,
    tmp_path: Path,
    strict: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    problem: str,
) -> None:
    safety: dict[str, Any] = {"classifier": str(strict)}
    if problem == "no files":
        safety["classifier"] = str(tmp_path / "nowhere")
    elif problem == "label":
        safety["labels"] = ("nfsw",)
    else:
        monkeypatch.setattr(ImageClassifier, "classify", lambda self, picture: 1 / 0)
    async with opened(tiny_model, tmp_path / "data", **safety) as studio:
        for _ in range(2):
            assert await studio.safety.verdicts(await painted(studio)) == (UNCHECKED, UNCHECKED)
    assert "Pictures are hidden because" in caplog.text


async def test_a_program_that_ends_before_the_verdict_paints_and_checks_again(
    tiny_model: Path, tmp_path: Path, strict: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.devices.dispatcher.STEP_GRACE", 0.2)
    looking, look = threading.Event(), ImageClassifier.classify
    gate = threading.Event()

    def slowly(self: ImageClassifier, picture: Any) -> SafetyVerdict:
        looking.set()
        gate.wait(30)
        return look(self, picture)

    monkeypatch.setattr(ImageClassifier, "classify", slowly)
    async with opened(tiny_model, tmp_path, classifier=str(strict)) as studio:
        job = await studio.submit(APP, Requester(owner="ada"))
        assert await asyncio.to_thread(looking.wait, 30)
    gate.set()
    async with opened(tiny_model, tmp_path, classifier=str(strict)) as studio:
        async with asyncio.timeout(60):
            [*_, last] = [event async for event in studio.watch(job.id)]
        assert last.state is JobState.PAINTED
        assert (await studio.job(job.id)).attempts == 0
        assert all(each.unsafe for each in await studio.safety.verdicts(job.id))
        await studio.stop()
        with pytest.raises(AtelierError, match="I'm restarting"):
            await studio.safety.check(job.recipe, None, ())
