"""When trainings run, and how they go on after whatever ends them."""

import asyncio
import multiprocessing
import time
from pathlib import Path

import pytest

from engine import (
    ImageRequest,
    InvalidModel,
    InvalidRequest,
    Requester,
    Studio,
    Training,
    TrainingSettings,
)
from engine.models.added import DATABASE
from engine.store import Database, TrainingTable
from engine.training.preparation import TrainingPreparation
from tests.engine.training.members import (
    HERE,
    STATES,
    Open,
    begun,
    eventually,
    new,
    on_a_card,
    painted,
    process,
    ready,
    until,
)
from tests.engine.training.runner import Runner


@pytest.mark.parametrize("state", ["waiting", "running", "killed", "paused by hand", "failed"])
async def test_after_a_restart_everything_goes_on_but_what_people_stopped(
    open_here: Open, runners: list[Runner], tmp_path: Path, state: str
) -> None:
    hours = closed_now() if state == "waiting" else None
    async with open_here(hours=hours) as studio:
        training = await begun(studio)
        if state != "waiting":
            runner = await process(runners, 1)
            runner.train(5)
        if state == "failed":
            runner.fail("Make room.")
            await until(studio, training, STATES.FAILED)
        if state == "paused by hand":
            await studio.trainings.pause(training.id)
            await until(studio, training, STATES.PAUSED)
    if state == "killed":  # the program, before it could write anything down
        async with Database(tmp_path / "data" / DATABASE) as database:
            await TrainingTable(database, tmp_path).set(training.id, state=STATES.RUNNING, step=4)
    before = len(runners)
    async with open_here() as studio:
        if state in ("paused by hand", "failed"):
            await asyncio.sleep(0.1)
            assert len(runners) == before
            await studio.trainings.resume(training.id)
        runner = await process(runners, before + 1)
        assert runner.step == {"waiting": 0, "failed": 4}.get(state, 5)
        runner.train(10 - runner.step)
        await until(studio, training, STATES.FINISHED)


async def test_a_process_that_dies_is_tried_again_but_not_for_ever(
    open_here: Open, runners: list[Runner]
) -> None:
    async with open_here() as studio:
        training = await begun(studio)
        for number in range(1, 4):  # no checkpoint, three times
            runner = await process(runners, number)
            runner.train(3)
            runner.crash()
        failed = await until(studio, training, STATES.FAILED)
        assert "broken off 3 times" in str(failed.error)
        await studio.trainings.resume(training.id)
        for number in range(4, 8):  # each one comes further
            runner = await process(runners, number)
            runner.train(4 if number < 6 else 1)
            if number < 7:
                await asyncio.sleep(0.05)
                runner.crash()
        assert (runner.step, len(runners)) == (9, 7)
        runner.train(1)
        await until(studio, training, STATES.FINISHED)


async def test_a_full_disk_at_a_checkpoint_is_told_and_the_training_can_go_on(
    open_here: Open, runners: list[Runner]
) -> None:
    async with open_here() as studio:
        training = await begun(studio)
        runner = await process(runners, 1)
        runner.train(5)
        runner.fail("The checkpoint can't be written.")
        failed = await until(studio, training, STATES.FAILED)
        assert failed.error == "The checkpoint can't be written."
        with pytest.raises(InvalidModel, match="already a LoRA named"):
            await new(studio, owner="bob")  # its name is still its own
        await studio.trainings.resume(training.id)
        assert (await process(runners, 2)).step == 4


async def test_who_waits_for_pictures_goes_before_a_training_that_then_goes_on(
    open_here: Open, runners: list[Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_card(monkeypatch)
    async with open_here() as studio:
        training = await begun(studio)
        runner = await process(runners, 1)
        runner.train(5)
        painting = asyncio.create_task(painted(studio))
        async for event in studio.trainings.watch(training.id):
            if event.waiting_for_painting:
                break
        assert event.training.step == 5
        await painting
        again = await process(runners, 2)
        assert again.step == 5
        # It is killed where it would lose nothing, or doesn't stop.
        painting = asyncio.create_task(painted(studio))
        await painting
        assert again.ended
        monkeypatch.setattr("engine.training.scheduling.PAUSE_SECONDS", 0.5)
        third = await process(runners, 3)
        third.train(1)
        third.stuck = True
        painting = asyncio.create_task(painted(studio))
        await eventually(lambda: third.told == ["Pause"])
        with pytest.raises(InvalidRequest, match="is stopping"):
            await studio.trainings.finish(training.id)
        await painting
        assert (await process(runners, 4)).step == 5


async def test_on_the_cpu_pictures_are_painted_beside_a_training(
    open_here: Open, runners: list[Runner]
) -> None:
    async with open_here() as studio:
        training = await begun(studio)
        runner = await process(runners, 1)
        runner.train(1)
        await painted(studio)
        assert not runner.ended
        assert (await studio.trainings.get(training.id)).state is STATES.RUNNING


async def test_members_train_by_turns_however_many_trainings_each_has_started(
    open_here: Open, runners: list[Runner]
) -> None:
    async with open_here(per_month=0) as studio:
        for name, owner in (("a1", "ada"), ("a2", "ada"), ("a3", "ada"), ("b1", "bob")):
            await begun(studio, name, owner)
        first = await process(runners, 1)
        await begun(studio, "b2", "bob")
        first.train(10)
        (await process(runners, 2)).train(5)
    async with open_here(per_month=0) as studio:
        await studio.trainings.remove(1)  # it was ada's turn all the same
        await begun(studio, "c1", "cy")
        for number in range(3, 6):
            runner = await process(runners, number)
            runner.train(10 - runner.step)
        last = await process(runners, 6)
        order = [each.setup.request.name for each in runners]
        assert order == ["a1", "b1", "b1", "c1", "a2", "b2"]
        last.train(10)
        assert (await process(runners, 7)).setup.request.name == "a3"


async def test_trainings_run_one_after_the_other_and_only_in_their_hours(
    open_here: Open, runners: list[Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_here() as studio:
        first = await begun(studio)
        second = await begun(studio, "gnu", "bob")
        (await process(runners, 1)).train(5)
        with monkeypatch.context() as patch:
            patch.setattr(TrainingSettings, "open_at", lambda *_: False)
            await until(studio, first, STATES.PAUSED)
            await asyncio.sleep(0.1)
            assert len(runners) == 1
        again = await process(runners, 2)
        assert (again.setup.request.name, again.step) == ("zork", 5)
        assert (await studio.trainings.get(second.id)).state is STATES.WAITING
        again.train(5)
        assert (await process(runners, 3)).setup.request.name == "gnu"


def test_hours_may_go_over_midnight() -> None:
    night = TrainingSettings(hours="22-7")
    assert [hour for hour in range(24) if night.open_at(hour)] == [*range(7), 22, 23]
    day = TrainingSettings(hours="9-17")
    assert [hour for hour in range(24) if day.open_at(hour)] == [*range(9, 17)]
    with pytest.raises(ValueError, match="two full hours"):
        TrainingSettings(hours="from ten")


async def test_a_training_that_is_removed_while_it_begins_doesnt_stop_the_others(
    open_here: Open, runners: list[Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.training.scheduling.LOOK_AGAIN", 0.02)
    shares_device = TrainingPreparation.shares_device
    async with open_here() as studio:

        async def slow(self: TrainingPreparation) -> bool:
            for training in await studio.trainings.of_owner("ada"):
                await studio.trainings.remove(training.id)
            return await shares_device(self)

        monkeypatch.setattr(TrainingPreparation, "shares_device", slow)
        await begun(studio)
        await begun(studio, "gnu", "bob")
        assert (await process(runners, 1)).setup.request.name == "gnu"


def closed_now() -> str:
    """Hours that aren't now."""
    hour = time.localtime().tm_hour
    return f"{(hour + 2) % 24}-{(hour + 3) % 24}"


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
async def test_a_real_training_survives_kill_9_and_a_restart_lets_others_paint_and_paints(
    open_here: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"steps": 4, "checkpoint_every": 1, "sample_every": 4, "rank": 2, "batch": 1}
    async with open_here() as studio:
        training = await ready(studio)
        await studio.trainings.start(training.id, **changes, sample_prompts=("zork",))
        await stepped(studio, training, 1)
        [child] = [each for each in multiprocessing.active_children() if each.name == "training"]
        child.kill()
        await stepped(studio, training, 2)
    on_a_card(monkeypatch)
    async with open_here() as studio:
        await stepped(studio, training, 3)
        await painted(studio)
        *_, event = [event async for event in studio.trainings.watch(training.id)]
        assert event.training.state is STATES.FINISHED, event.training.error
        assert event.samples is not None
        assert event.plot is not None
        request = ImageRequest(prompt="zork <lora:zork:1>", num_inference_steps=1)
        job = await studio.submit(request, Requester(owner="bob", scope=HERE))
        *_, outcome = [event async for event in studio.watch(job.id)]
        assert outcome.pictures, outcome.error


async def stepped(studio: Studio, training: Training, step: int) -> None:
    """Wait until it has come so far."""
    async with asyncio.timeout(300):
        async for event in studio.trainings.watch(training.id):
            assert not event.training.state.over, event.training.error
            if event.training.step >= step:
                return
