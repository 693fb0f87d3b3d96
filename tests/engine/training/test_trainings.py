"""What members would lose, or see of each other, if trainings went wrong."""

import asyncio
import errno
import multiprocessing
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine import (
    ImageRequest,
    InvalidModel,
    InvalidRequest,
    LimitReached,
    Requester,
    StorageError,
    Studio,
    Training,
    TrainingKind,
    TrainingSettings,
    TrainingState,
    UnknownJob,
    open_studio,
)
from engine.devices.messages import Pixels
from engine.memory.device import DeviceFacts
from engine.models.added import DATABASE
from engine.safety.checker import SafetyChecker
from engine.safety.verdict import SafetyVerdict
from engine.store import Database, TrainingTable
from engine.training.outside.process import OutsideProcess
from engine.training.plan import TrainingPlan
from engine.training.planning import PlanQuestion
from engine.training.preparation import TrainingPreparation
from engine.training.run_folder import RunFolder
from engine.training.setup import TrainingSetup
from engine.writing.describer import Describer
from tests.engine.builders import engine_settings
from tests.engine.training.conftest import picture
from tests.engine.training.runner import Runner

Open = Callable[..., AbstractAsyncContextManager[Studio]]

HERE = "guild:1"

FAKE_TRAINER = Path(__file__).with_name("fake_trainer.py")

STATES = TrainingState


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


SAFE = SafetyVerdict("", 0.1, flagged=False)
UNSAFE = SafetyVerdict("nsfw", 0.9, flagged=True)


@pytest.fixture
def red_is_unsafe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the safety checker say so."""

    async def worst(self: SafetyChecker, pictures: list[Pixels]) -> SafetyVerdict:
        return UNSAFE if any(each.data[0] > 128 for each in pictures) else SAFE

    monkeypatch.setattr(SafetyChecker, "worst", worst)


@pytest.mark.usefixtures("red_is_unsafe")
async def test_samples_are_looked_at_before_they_are_shown(
    open_here: Open, runners: list[Runner]
) -> None:
    async with open_here() as studio:
        training = await begun(studio)
        runner = await process(runners, 1)
        seen: list[SafetyVerdict | None] = []

        async def watch() -> None:
            async for event in studio.trainings.watch(training.id):
                if event.samples is not None and event.verdict not in seen[-1:]:
                    seen.append(event.verdict)

        def said(verdict: SafetyVerdict) -> bool:
            return seen[-1:] == [verdict]

        watching = asyncio.create_task(watch())
        for colour, verdict in (("blue", SAFE), ("red", UNSAFE), ("green", UNSAFE)):
            runner.train()
            runner.sample(colour)
            await eventually(partial(said, verdict))
        assert seen == [SAFE, UNSAFE], "what was unsafe stays on the sheet"
    await watching
    async with open_here() as studio, aclosing(studio.trainings.watch(training.id)) as events:
        assert (await anext(events)).verdict == UNSAFE


@pytest.mark.usefixtures("red_is_unsafe")
async def test_samples_that_nobody_looked_at_before_the_end_are_looked_at_later(
    open_here: Open, runners: list[Runner]
) -> None:
    async with open_here() as studio:
        await begun(studio)
        runner = await process(runners, 1)
        Image.new("RGB", (64, 64), "red").save(buffer := BytesIO(), "PNG")
        for step in (0, 9):  # the later one is painted again
            runner.folder.write(runner.folder.sample(step, 1), buffer.getvalue())
        runner.train()
        runner.sample("blue")
        await eventually(runner.folder.sheet.exists)
        assert runner.folder.read_verdict() == UNSAFE
        with Image.open(runner.folder.sheet) as sheet:
            colours = {colour: count for count, colour in sheet.getcolors(2**16) or ()}
        assert colours[255, 0, 0] == 64 * 64, "what comes later isn't on it"


async def nothing_to_check(setup: TrainingSetup, file: Path) -> None:
    """In place of `check_lora`."""


async def test_an_outside_trainer_trains_in_place_of_the_bots_own(
    open_here: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.training.scheduling.LOOK", 0.02)
    outside = partial(OutsideProcess, check=nothing_to_check)
    monkeypatch.setattr("engine.training.runner.OutsideProcess", outside)
    lora = tmp_path / "lora"
    lora.write_bytes(b"weights")
    command = [sys.executable, str(FAKE_TRAINER), "{plan}", str(lora), "20"]
    async with open_here(command=command) as studio:
        training = await ready(studio)
        plan = await studio.trainings.plan(training.id)
        assert (plan.needs, plan.fits) == (None, True)
        training = await studio.trainings.start(training.id, steps=10)
        training = await until(studio, training, STATES.FINISHED)
        assert training.step == 10
        assert training.file is not None
        assert training.file.read_bytes() == b"weights"
        assert studio.adapters["zork"].trigger == "zork"
        handed_over = RunFolder(training.folder).outside
        await eventually(lambda: not handed_over.exists())
    async with open_here(command=[*command, "fail"]) as studio:
        training = await ready(studio, "zork2")
        training = await studio.trainings.start(training.id, steps=10)
        training = await until(studio, training, STATES.FAILED)
        assert training.error is not None
        assert training.error.endswith("Its last line: there is no such dataset")


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


# Collecting


async def test_pictures_are_kept_without_what_their_files_say_of_people(open_here: Open) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"  # to be turned by 90 degrees; who made it
    async with open_here() as studio:
        training = await new(studio)
        data = png(1, (200, 128), format="JPEG", exif=exif)
        training = await studio.trainings.add_picture(training.id, data, "a\nfigure")
    [kept] = training.pictures
    assert (kept.width, kept.height, kept.caption) == (128, 200, "a figure")
    with Image.open(kept.file) as image:
        assert image.size == (128, 200)
        assert not image.getexif()
        assert b"camera" not in kept.file.read_bytes()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"not a picture", "can't be read as a picture"),
        (png(1, (200, 63)), "Each side needs 64"),
        (png(0, format="JPEG", quality=40), "looks the same as picture 1"),
    ],
)
async def test_a_picture_that_teaches_nothing_is_refused_with_the_reason(
    open_here: Open, data: bytes, sentence: str
) -> None:
    async with open_here() as studio:
        training = await new(studio)
        await studio.trainings.add_picture(training.id, png(0))
        with pytest.raises(InvalidRequest, match=sentence):
            await studio.trainings.add_picture(training.id, data)


async def test_a_picture_that_isnt_safe_is_refused(
    open_here: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Pixels] = []

    async def is_unsafe(self: SafetyChecker, pixels: Pixels) -> bool:
        shown.append(pixels)
        return True

    monkeypatch.setattr(SafetyChecker, "is_unsafe", is_unsafe)
    async with open_here() as studio:
        training = await new(studio)
        with pytest.raises(InvalidRequest, match="isn't safe for work"):
            await studio.trainings.add_picture(training.id, png(0, (2100, 1050)))
        assert [(each.width, each.height) for each in shown] == [(512, 256)]
        assert not RunFolder(training.folder).pictures.exists()


async def test_captions_are_proposed_where_people_have_written_none(
    open_here: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def describe(self: Describer, read: Any, owner: str) -> tuple[str, ...]:
        assert owner == "ada"
        with Image.open(BytesIO(await read())) as image:
            if image.width == 160:
                raise InvalidRequest("no words")
        return "a drawing", "another"

    async with open_here() as studio:
        training = await new(studio)
        await studio.trainings.add_picture(training.id, png(0), "by hand")
        await studio.trainings.add_picture(training.id, png(1))
        await studio.trainings.add_picture(training.id, png(2, (128, 160)))
        training = await studio.trainings.propose_captions(training.id)
        assert [each.caption for each in training.pictures] == ["by hand", "", ""]
        monkeypatch.setattr(Describer, "enabled", True)
        monkeypatch.setattr(Describer, "describe", describe)
        training = await studio.trainings.propose_captions(training.id)
        assert [each.caption for each in training.pictures] == ["by hand", "", "a drawing"]

        async def slow(self: Describer, read: Any, owner: str) -> tuple[str, ...]:
            await studio.trainings.caption(training.id, 2, "by hand meanwhile")
            return ("a guess",)

        monkeypatch.setattr(Describer, "describe", slow)
        training = await studio.trainings.propose_captions(training.id)
        assert training.pictures[1].caption == "by hand meanwhile"


async def test_two_people_who_give_the_same_picture_at_once_give_it_once(open_here: Open) -> None:
    async with open_here() as studio:
        training = await new(studio)
        adding = [studio.trainings.add_picture(training.id, png(3)) for _ in range(2)]
        outcomes = await asyncio.gather(*adding, return_exceptions=True)
        assert sum(isinstance(each, InvalidRequest) for each in outcomes) == 1
        assert len((await studio.trainings.get(training.id)).pictures) == 1


async def test_the_61st_picture_is_refused_until_one_is_taken_out(
    open_here: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.training.collecting.MAX_PICTURES", 3)  # of 60
    async with open_here() as studio:
        training = await new(studio)
        for seed in range(3):
            await studio.trainings.add_picture(training.id, png(seed))
        with pytest.raises(InvalidRequest, match="as many as can be used"):
            await studio.trainings.add_picture(training.id, png(3))
        await studio.trainings.remove_picture(training.id, 2)
        training = await studio.trainings.add_picture(training.id, png(3))
        assert [each.number for each in training.pictures] == [1, 3, 4]
        with pytest.raises(InvalidRequest, match="Picture 2 was removed"):
            await studio.trainings.caption(training.id, 2, "gone")
        with pytest.raises(InvalidRequest, match="training needs 6"):
            await studio.trainings.start(training.id)


@pytest.mark.usefixtures("runners")
async def test_on_a_full_disk_no_picture_is_half_there(
    open_here: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_here() as studio:
        training = await ready(studio)

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("engine.training.run_folder.write_whole", full)
            with pytest.raises(StorageError, match="No space left"):
                await studio.trainings.add_picture(training.id, png(9))
            with pytest.raises(StorageError, match="No space left"):
                await studio.trainings.start(training.id)
        training = await studio.trainings.add_picture(training.id, png(9))
        assert (training.state, len(training.pictures)) == (STATES.COLLECTING, 7)


async def test_names_that_are_taken_and_models_that_cant_be_trained_are_refused(
    open_here: Open,
) -> None:
    async with open_here() as studio:
        await new(studio)
        with pytest.raises(InvalidModel, match="already a LoRA named"):
            await new(studio, "ZORK", owner="bob")
        with pytest.raises(InvalidModel, match="can't begin with a hyphen"):
            await new(studio, "--help", owner="bob")
        with pytest.raises(LimitReached, match="collecting pictures for “zork”"):
            await new(studio, "other")
        await studio.moderation.block_word(HERE, "gore")
        with pytest.raises(InvalidRequest, match="isn't allowed"):
            await new(studio, "other", owner="bob", trigger="gore")
    async with open_here(enabled=False) as studio:
        with pytest.raises(InvalidRequest, match="turned off"):
            await new(studio, "other", owner="bob")


# Running


async def test_a_member_watches_a_training_from_its_start_to_its_lora(
    open_here: Open, runners: list[Runner]
) -> None:
    async with open_here() as studio:
        training = await begun(studio)
        seen = []

        async def watch() -> None:
            async for event in studio.trainings.watch(training.id):
                seen.append(event)

        watching = asyncio.create_task(watch())
        runner = await process(runners, 1)
        assert (runner.folder.pictures / "metadata.jsonl").read_text().count("zork, picture") == 6
        runner.train(6)
        await asyncio.sleep(0.05)
        assert seen[-1].training.step == 6
        assert seen[-1].loss == pytest.approx(0.5)
        assert seen[-1].seconds_left == pytest.approx(0.04)
        runner.train(4)
        await watching
        done = seen[-1].training
        assert (done.state, done.step) == (STATES.FINISHED, 10)
        assert done.file is not None
        assert done.file.read_bytes() == b"weights"
        await eventually(lambda: not runner.folder.checkpoint.exists())
        assert studio.adapters["zork"].trigger == "zork"


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


async def test_a_training_that_doesnt_fit_or_isnt_allowed_isnt_started(
    open_here: Open, runners: list[Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def planned(question: PlanQuestion) -> TrainingPlan:
        request = replace(question.request, batch=1, accumulate=6)
        problem = "Too large." if request.rank > 64 else None
        return TrainingPlan(request=request, needs=None, problem=problem)

    monkeypatch.setattr("engine.training.preparation.planned", planned)
    async with open_here(max_steps=50) as studio:
        training = await ready(studio)
        for changes, sentence in (
            ({"rank": 128}, "Too large"),
            ({"steps": 51}, "number of steps must be between 1 and 50, not 51"),
            ({"learning_rate": float("nan")}, "learning rate must be"),
            ({"class_prompt": "gore"}, "isn't allowed"),
        ):
            await studio.moderation.block_word(HERE, "gore")
            with pytest.raises(InvalidRequest, match=sentence):
                await studio.trainings.start(training.id, **changes)
        training = await studio.trainings.start(training.id)
        assert training.request is not None
        assert (training.steps, training.request.batch, training.request.accumulate) == (50, 1, 6)
        assert training.request.sample_prompts[:2] == ("zork", "zork, picture 0")


def test_hours_may_go_over_midnight() -> None:
    night = TrainingSettings(hours="22-7")
    assert [hour for hour in range(24) if night.open_at(hour)] == [*range(7), 22, 23]
    day = TrainingSettings(hours="9-17")
    assert [hour for hour in range(24) if day.open_at(hour)] == [*range(9, 17)]
    with pytest.raises(ValueError, match="two full hours"):
        TrainingSettings(hours="from ten")


async def test_a_cancelled_training_leaves_nothing_but_what_was_kept(
    open_here: Open, runners: list[Runner]
) -> None:
    async with open_here() as studio:
        training = await begun(studio)
        waiting = await begun(studio, "gnu", "bob")
        waiting = await studio.trainings.cancel(waiting.id)
        assert (waiting.state, waiting.started_at) == (STATES.CANCELLED, None)
        runner = await process(runners, 1)
        with pytest.raises(InvalidRequest, match="isn't being trained"):
            await studio.trainings.keep(training.id)
        with pytest.raises(InvalidRequest, match="learnt nothing yet"):
            await studio.trainings.finish(training.id)
        runner.train(5)
        await studio.trainings.keep(training.id)
        await eventually(lambda: "zork-5" in studio.adapters)
        cancelled = await studio.trainings.cancel(training.id)
        assert (cancelled.state, cancelled.pictures) == (STATES.CANCELLED, ())
        assert [each.name for each in training.folder.iterdir()] == ["zork-00005.safetensors"]
        with pytest.raises(InvalidRequest, match="is over"):
            await studio.trainings.resume(training.id)
        await studio.trainings.remove(training.id)
        assert not training.folder.exists()
        assert "zork-5" not in studio.adapters
        with pytest.raises(UnknownJob):
            await studio.trainings.get(training.id)


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


@pytest.mark.parametrize("paused", [False, True])
async def test_a_training_that_is_good_enough_ends_with_its_lora(
    open_here: Open, runners: list[Runner], paused: bool
) -> None:
    async with open_here() as studio:
        training = await begun(studio)
        runner = await process(runners, 1)
        runner.train(5)
        if paused:
            await studio.trainings.pause(training.id)
            await until(studio, training, STATES.PAUSED)
        await studio.trainings.finish(training.id)
        if paused:
            again = await process(runners, 2)
            assert (again.step, again.setup.request.steps) == (5, 5)
            again.train(0)
        done = await until(studio, training, STATES.FINISHED)
        assert done.step == 5
        assert "zork" in studio.adapters


async def test_a_member_who_has_trained_enough_this_month_waits_for_the_next(
    open_here: Open, runners: list[Runner]
) -> None:
    async with open_here(per_month=1) as studio:
        given_up = await begun(studio, "other")
        await studio.trainings.pause(given_up.id)
        await until(studio, given_up, STATES.PAUSED)
        with pytest.raises(LimitReached, match="You've started 1 training") as told:
            await new(studio)
        assert told.value.retry_at is not None
        await new(studio, owner="bob")


# Whose LoRA it is


async def test_a_private_lora_is_its_owners_alone_until_it_is_shared(
    open_here: Open, runners: list[Runner]
) -> None:
    async with open_here() as studio:
        training = await begun(studio, private=True)
        (await process(runners, 1)).train(10)
        await until(studio, training, STATES.FINISHED)

        def names(scope: str, owner: str) -> list[str]:
            return [each.name for each in studio.adapters.seen_by(scope, owner)]

        assert names(HERE, "ada") == names("user:ada", "ada") == ["zork"]
        assert names(HERE, "bob") == []
        assert await studio.trainings.of_scope(HERE) == []
        with pytest.raises(InvalidRequest, match="There's no LoRA “zork”"):
            await ask(studio, "bob", HERE)
        with pytest.raises(InvalidModel, match="already a LoRA named"):
            await new(studio, owner="bob")
        await studio.trainings.share(training.id)
        assert (names(HERE, "bob"), names("guild:2", "bob")) == (["zork"], [])
        with pytest.raises(InvalidRequest, match="There's no LoRA “zork”"):
            await ask(studio, "bob", "guild:2")
        [recipe] = await ask(studio, "bob", HERE)
        assert [use.name for use in recipe.adapters] == ["zork"]
    async with open_here() as studio:  # and so it is after a restart
        assert (names(HERE, "bob"), names("guild:2", "bob")) == (["zork"], [])


async def ask(studio: Studio, owner: str, scope: str) -> Any:
    request = ImageRequest(prompt="zork <lora:zork:1>")
    return await studio.check_all([request], Requester(owner=owner, scope=scope))


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
