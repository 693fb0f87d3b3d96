"""What members would lose, or see of each other, if trainings went wrong."""

import asyncio
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine import (
    ImageRequest,
    InvalidModel,
    InvalidRequest,
    LimitReached,
    Requester,
    Studio,
    TrainingSettings,
    UnknownJob,
    open_studio,
)
from engine.store import JobTable
from engine.training.outside.process import OutsideProcess
from engine.training.plan import TrainingPlan
from engine.training.planning import PlanQuestion
from engine.training.run_folder import RunFolder
from engine.training.setup import TrainingSetup
from tests.engine.builders import engine_settings, model_settings
from tests.engine.training.members import (
    HERE,
    STATES,
    Open,
    begun,
    eventually,
    new,
    png,
    process,
    ready,
    until,
)
from tests.engine.training.runner import Runner

FAKE_TRAINER = Path(__file__).with_name("fake_trainer.py")


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


async def test_while_a_job_needs_one_of_its_loras_nothing_of_a_training_is_removed(
    open_here: Open, runners: list[Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = "zork-7"

    async def count_open_with(jobs: JobTable, adapter: str) -> int:
        return int(adapter == needed)

    monkeypatch.setattr(JobTable, "count_open_with", count_open_with)
    async with open_here() as studio:
        training = await begun(studio)
        runner = await process(runners, 1)
        for steps, name in ((5, "zork-5"), (2, "zork-7")):
            runner.train(steps)
            await studio.trainings.keep(training.id)
            await eventually(partial(studio.adapters.__contains__, name))
        with pytest.raises(InvalidModel, match="1 job still needs “zork-7”"):
            await studio.trainings.remove(training.id)
        assert (await studio.trainings.get(training.id)).state is STATES.RUNNING
        runner.train(3)
        done = await until(studio, training, STATES.FINISHED)
        with pytest.raises(InvalidModel, match="1 job still needs “zork-7”"):
            await studio.trainings.remove(training.id)
        assert {"zork-5", "zork-7", "zork"} <= {each.name for each in studio.adapters}
        assert done.file is not None
        assert done.file.exists()
        needed = ""
        await studio.trainings.remove(training.id)
        assert not list(studio.adapters)


async def test_a_training_is_called_like_its_lora_if_its_name_was_taken_meanwhile(
    open_here: Open, runners: list[Runner], tmp_path: Path
) -> None:
    async with open_here() as studio:
        training = await begun(studio)
        runner = await process(runners, 1)
        (tmp_path / "data" / "loras").mkdir(exist_ok=True)
        (tmp_path / "data" / "loras" / "zork.safetensors").write_bytes(b"another")
        await eventually(lambda: "zork" in studio.adapters)
        runner.train(10)
        done = await until(studio, training, STATES.FINISHED)
        assert done.name == "zork-2"
        assert done.file is not None
        assert done.file.read_bytes() == b"weights"
        assert studio.adapters["zork-2"].source == str(done.file.absolute())


async def test_two_who_do_not_see_each_others_loras_may_choose_the_same_name(
    open_here: Open, runners: list[Runner]
) -> None:
    async with open_here() as studio:
        for number, (owner, name) in enumerate((("ada", "zork"), ("bob", "zork-2")), start=1):
            training = await begun(studio, "zork", owner, private=True)
            (await process(runners, number)).train(10)
            done = await until(studio, training, STATES.FINISHED)
            assert done.name == name
            assert [each.name for each in studio.adapters.seen_by(HERE, owner)] == [name]


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
        await process(runners, 1)
        await studio.trainings.pause(given_up.id)
        await until(studio, given_up, STATES.PAUSED)
        with pytest.raises(LimitReached, match="You've started 1 training") as told:
            await new(studio)
        assert told.value.retry_at is not None
        await new(studio, owner="bob")
        await studio.trainings.cancel(given_up.id)  # preparing it has taken the device
        with pytest.raises(LimitReached, match="You've started 1 training"):
            await new(studio, "third")
        await studio.trainings.remove(given_up.id)
        with pytest.raises(LimitReached, match="You've started 1 training"):
            await new(studio, "third")


async def test_what_a_server_forbids_is_not_trained_nor_shown(open_here: Open) -> None:
    async with open_here() as studio:
        await studio.moderation.block_word(HERE, "gore")
        await studio.moderation.review_word(HERE, "knife")
        for word, sentence in (("gore", "isn't allowed"), ("knife", "must review")):
            for texts in ({"name": word}, {"trigger": f"{word} zork"}):
                with pytest.raises(InvalidRequest, match=sentence):
                    await new(studio, **texts)
        await new(studio, "gore", "bob", scope="guild:2")
        training = await ready(studio)
        for word, sentence in (("gore", "isn't allowed"), ("knife", "must review")):
            with pytest.raises(InvalidRequest, match=sentence):
                await studio.trainings.add_picture(training.id, png(7), f"much {word}")
            with pytest.raises(InvalidRequest, match=sentence):
                await studio.trainings.caption(training.id, 1, f"a {word}")
        assert len((await studio.trainings.get(training.id)).pictures) == 6


async def test_a_model_that_a_server_does_not_allow_is_not_trained_on(
    tmp_path: Path, runners: list[Runner]
) -> None:
    settings, models = engine_settings(default_model="sketch"), {"other": model_settings(tmp_path)}
    allowed = TrainingSettings()
    async with open_studio(settings, models, tmp_path / "data", training=allowed) as studio:
        training = await ready(studio)
        await studio.server_models.allow(HERE, ["other"])
        with pytest.raises(InvalidRequest, match="isn't allowed here"):
            await studio.trainings.start(training.id)
        with pytest.raises(InvalidRequest, match="isn't allowed here"):
            await new(studio, "other", "bob")


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
        assert (await new(studio, owner="bob")).name == "zork", "that it is taken isn't told"
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
