"""The façade, with a real pipeline behind it: what is promised to the other wing."""

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine import (
    ImageRequest,
    InvalidRequest,
    JobState,
    LimitReached,
    NotYours,
    QueueFull,
    RateLimits,
    Requester,
    Studio,
    UnknownJob,
    UnknownModel,
)
from engine.images.output import read_request
from tests.engine.gate import Gate
from tests.engine.studios import APP, Open, events, outcome, reached, submit

pytestmark = pytest.mark.usefixtures("one_thread")


async def test_a_device_that_is_not_there_is_left_out_when_another_one_is(
    open_here: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_here(device=["cuda:98", "cpu"], batch_size=1) as studio:
        jobs = [await submit(studio) for _ in range(3)]
        found = await asyncio.gather(*(outcome(studio, job) for job in jobs))
        assert [event.state for event in found] == [JobState.PAINTED] * 3
        assert [(one.name, one.paused, one.pictures) for one in studio.devices] == [
            ("cuda:98", True, 0),
            ("cpu", False, 3),
        ]
    assert "Painting goes on without cuda:98" in caplog.text


async def test_a_request_becomes_a_picture_with_its_settings_inside(
    studio: Studio, tiny_model: Path
) -> None:
    job = await studio.submit(APP, Requester(owner="ada", message_ref={"channel": 5}))
    over = await outcome(studio, job.id)
    assert over.state is JobState.PAINTED
    [file] = over.pictures
    asked = read_request(file)
    assert (asked.prompt, asked.seed, asked.model) == ("a red house", 7, "tiny")
    kept = await studio.job(job.id)
    assert (kept.state, kept.pictures, kept.message_ref) == (
        JobState.PAINTED,
        (file,),
        {"channel": 5},
    )

    import diffusers
    import torch

    pipe: Any = diffusers.StableDiffusionPipeline.from_pretrained(tiny_model)
    pipe.set_progress_bar_config(disable=True)
    result = pipe(
        prompt="a red house",
        width=64,
        height=64,
        num_inference_steps=4,
        guidance_scale=5.0,
        generator=torch.Generator("cpu").manual_seed(7),
    )
    with Image.open(file) as painted:
        apart = np.asarray(painted, np.int16) - np.asarray(result.images[0], np.int16)
    assert np.abs(apart).max() <= 1, "of 255 levels: rounding"


async def test_who_watches_sees_the_job_go_on_and_end(studio: Studio) -> None:
    seen = await events(studio, await submit(studio, num_inference_steps=30))
    steps = [event.step for event in seen if event.state is JobState.RUNNING]
    assert steps == sorted(steps)
    assert len(set(steps)) > 2
    assert [event.state for event in seen if not event.state.waiting] == [JobState.PAINTED]


async def test_who_watches_a_job_that_is_over_is_told_how_it_ended(studio: Studio) -> None:
    job_id = await submit(studio)
    over = await outcome(studio, job_id)
    [again] = await events(studio, job_id)
    assert (again.state, again.pictures) == (over.state, over.pictures)
    with pytest.raises(UnknownJob):
        await events(studio, 99)


async def test_those_who_wait_know_their_place_and_how_long_it_takes(
    open_here: Open, gate: Gate
) -> None:
    async with open_here(batch_size=1) as studio:
        await outcome(studio, await submit(studio))
        gate.shut()
        ids = [await submit(studio, owner) for owner in ("ada", "bob", "eve")]
        waiting = [studio.event(job_id) for job_id in ids[1:]]
        assert [event.position for event in waiting] == [1, 2]
        soon, later = (event.seconds_left for event in waiting)
        assert soon is not None
        assert later is not None
        assert 0 < soon < later < 60
        assert [job.id for job, _ in studio.queue()] == ids
        assert (studio.status().running, studio.status().waiting) == (1, 2)
        assert studio.status().model == "tiny"
        gate.open()
        for job_id in ids:
            assert (await outcome(studio, job_id)).state is JobState.PAINTED
        assert studio.queue() == []
        assert studio.status().model is None


async def test_before_anything_was_measured_no_time_is_promised(
    open_here: Open, gate: Gate
) -> None:
    gate.shut()
    async with open_here(batch_size=1) as studio:
        await submit(studio)
        job_id = await submit(studio)
        assert studio.event(job_id).seconds_left is None
        gate.open()


async def test_what_was_learned_is_known_after_reopening(open_here: Open, gate: Gate) -> None:
    async with open_here(batch_size=1) as studio:
        await outcome(studio, await submit(studio))
    gate.shut()
    async with open_here(batch_size=1) as studio:
        await submit(studio)
        assert studio.event(await submit(studio)).seconds_left is not None
        gate.open()


async def test_jobs_for_two_models_are_painted_one_model_after_the_other(
    open_here: Open,
) -> None:
    async with open_here() as studio:
        ids = [await submit(studio, model=name) for name in ("tiny", "other", "tiny", "other")]
        over = [await outcome(studio, job_id) for job_id in ids]
    assert {event.state for event in over} == {JobState.PAINTED}
    one, other = (read_request(event.pictures[0]).model for event in over[:2])
    assert (one, other) == ("tiny", "other")


async def test_a_request_that_cannot_be_painted_is_not_written_down(studio: Studio) -> None:
    with pytest.raises(InvalidRequest):
        await submit(studio, num_inference_steps=0)
    with pytest.raises(UnknownModel, match="Did you mean “other”"):
        await submit(studio, model="othre")
    assert await studio.undelivered() == []


async def test_two_requests_at_once_cannot_both_take_the_last_picture(studio: Studio) -> None:
    last = RateLimits(pictures_per_hour=2)

    async def ask() -> Any:
        return await studio.submit(
            ImageRequest(prompt="a house", count=2), Requester(owner="ada", rate_limits=last)
        )

    answers = await asyncio.gather(ask(), ask(), ask(), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, LimitReached)]
    assert len(refused) == 2
    assert refused[0].retry_at == pytest.approx(time.time() + 3600, abs=60)
    await studio.submit(APP, Requester(owner="bob", rate_limits=last))


async def test_open_jobs_are_limited_while_they_are_open(studio: Studio, gate: Gate) -> None:
    one = RateLimits(waiting_jobs=1)
    gate.shut()
    job = await studio.submit(APP, Requester(owner="ada", rate_limits=one))
    with pytest.raises(LimitReached):
        await studio.submit(APP, Requester(owner="ada", rate_limits=one))
    await studio.submit(APP, Requester(owner="bob", rate_limits=one))
    gate.open()
    await outcome(studio, job.id)
    await studio.submit(APP, Requester(owner="ada", rate_limits=one))


async def test_limits_are_not_forgotten_over_a_restart(open_here: Open) -> None:
    two = RateLimits(pictures_per_hour=2)
    pair = ImageRequest(prompt="a house", count=2)
    async with open_here() as studio:
        job = await studio.submit(pair, Requester(owner="ada", rate_limits=two))
        await outcome(studio, job.id)
        await studio.delete(job.id)
    async with open_here() as studio:
        with pytest.raises(LimitReached):
            await studio.submit(APP, Requester(owner="ada", rate_limits=two))


async def test_a_job_cancelled_while_it_waits_is_given_back_to_the_limit(
    open_here: Open, gate: Gate
) -> None:
    two = RateLimits(pictures_per_hour=2)
    pair = ImageRequest(prompt="a house", count=2)
    gate.shut()
    async with open_here(batch_size=1) as studio:
        await studio.submit(APP, Requester(owner="eve"))
        job = await studio.submit(pair, Requester(owner="ada", rate_limits=two))
        await studio.cancel(job.id)
        await studio.submit(pair, Requester(owner="ada", rate_limits=two))
        gate.open()


async def test_a_job_cancelled_while_it_is_painted_counts_or_previews_would_be_free(
    studio: Studio, gate: Gate
) -> None:
    two = RateLimits(pictures_per_hour=2)
    pair = ImageRequest(prompt="a house", count=2)
    gate.shut()
    job = await studio.submit(pair, Requester(owner="ada", rate_limits=two))
    await studio.cancel(job.id)
    gate.open()
    await outcome(studio, job.id)
    with pytest.raises(LimitReached):
        await studio.submit(pair, Requester(owner="ada", rate_limits=two))


async def test_a_full_queue_refuses_and_takes_again_when_there_is_room(
    open_here: Open, gate: Gate
) -> None:
    gate.shut()
    async with open_here(queue_size=2, batch_size=1) as studio:
        ids = [await submit(studio) for _ in range(3)]
        with pytest.raises(QueueFull, match=r"The queue is full \(2 jobs\)"):
            await submit(studio)
        await studio.cancel(ids[-1])
        await submit(studio)
        gate.open()


async def test_a_queued_job_is_cancelled_at_once(open_here: Open, gate: Gate) -> None:
    gate.shut()
    async with open_here(batch_size=1) as studio:
        first, second, third = [await submit(studio) for _ in range(3)]
        assert await studio.cancel(second, by="ada")
        assert (await outcome(studio, second)).state is JobState.CANCELLED
        assert studio.event(third).position == 1, "those behind move up"
        assert not await studio.cancel(second), "only once"
        gate.open()
        assert (await outcome(studio, first)).state is JobState.PAINTED


async def test_a_running_job_is_cancelled_before_its_next_step(studio: Studio, gate: Gate) -> None:
    gate.shut()
    job_id = await submit(studio, num_inference_steps=150)
    await reached(gate)
    assert await studio.cancel(job_id)
    gate.open()
    seen = await events(studio, job_id)
    assert seen[-1].state is JobState.CANCELLED
    assert max(event.step for event in seen) <= 1
    assert (await studio.job(job_id)).state is JobState.CANCELLED


async def test_a_job_that_is_over_cannot_be_cancelled_any_more(studio: Studio) -> None:
    job_id = await submit(studio)
    await outcome(studio, job_id)
    assert not await studio.cancel(job_id)
    assert (await studio.job(job_id)).state is JobState.PAINTED


async def test_only_its_owner_or_somebody_in_charge_may_touch_a_job(studio: Studio) -> None:
    job_id = await submit(studio, num_inference_steps=100)
    with pytest.raises(NotYours, match=f"Only the person who requested job {job_id} can cancel it"):
        await studio.cancel(job_id, by="bob")
    with pytest.raises(NotYours, match="can delete it"):
        await studio.delete(job_id, by="bob")
    with pytest.raises(UnknownJob):
        await studio.cancel(99)
    assert await studio.cancel(job_id, by=None)


async def test_deleting_removes_the_pictures_and_every_trace(
    studio: Studio, tmp_path: Path
) -> None:
    job_id = await submit(studio, count=2)
    files = (await outcome(studio, job_id)).pictures
    assert all(file.exists() for file in files)
    await studio.delete(job_id, by="ada")
    assert not any(file.exists() for file in files)
    with pytest.raises(UnknownJob):
        await studio.job(job_id)


async def test_deleting_a_job_that_is_painted_at_that_moment_leaves_no_file(
    studio: Studio, tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cancellation comes too late; the pictures are written while `delete` waits."""
    job_id = await submit(studio)

    async def too_late(job_id: int) -> bool:
        return False

    monkeypatch.setattr(studio._dispatcher, "cancel", too_late)
    await studio.delete(job_id)
    assert list((tmp_path / "data").rglob("*.png")) == []


async def test_a_waiting_job_can_be_deleted(open_here: Open, gate: Gate, tmp_path: Path) -> None:
    gate.shut()
    async with open_here(batch_size=1) as studio:
        running, queued = await submit(studio), await submit(studio)
        await studio.delete(queued)
        deleting = asyncio.create_task(studio.delete(running))
        await asyncio.sleep(0.05)
        gate.open()
        await deleting
        for job_id in (running, queued):
            with pytest.raises(UnknownJob):
                await studio.job(job_id)
    assert list((tmp_path / "data").rglob("*.png")) == []


async def test_each_scope_has_its_own_model_and_keeps_it(open_here: Open) -> None:
    async with open_here() as studio:
        assert (await studio.model_of("guild 1")).name == "tiny"
        assert (await studio.use_model("other", "guild 1")).name == "other"
        with pytest.raises(UnknownModel, match="Did you mean “sketch”"):
            await studio.use_model("sketsh", "guild 1")
        job = await studio.submit(APP, Requester(owner="ada", scope="guild 1"))
        assert job.recipe.model == "other"
        job = await studio.submit(APP, Requester(owner="ada", scope="guild 2"))
        assert job.recipe.model == "tiny"
    async with open_here() as studio:
        assert (await studio.model_of("guild 1")).name == "other"
