"""A training by a program of the owner's: what it's given, how it's watched, and how it ends."""

import asyncio
import json
import os
import sys
import tomllib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import psutil
import pytest
from pydantic import ValidationError

from engine import InvalidRequest, TrainingKind, TrainingSettings
from engine.models.catalogue import Catalogue
from engine.training.dataset.reading import read_dataset
from engine.training.dataset.storage import copy_dataset
from engine.training.defaults import default_request, with_changes
from engine.training.messages import (
    Finish,
    Keep,
    Kept,
    Pause,
    Paused,
    Trained,
    TrainingFailed,
    TrainingReport,
)
from engine.training.outside.command import environment
from engine.training.outside.handover import OutsideFolder, hand_over
from engine.training.outside.process import OutsideProcess
from engine.training.outside.processes import end_orphan
from engine.training.outside.progress import Progress, progress_in
from engine.training.run_folder import RunFolder
from engine.training.setup import TrainingSetup
from tests.engine.builders import engine_settings
from tests.engine.training.pictures import Folder

FAKE = Path(__file__).with_name("fake_trainer.py")


@pytest.fixture
def setup_of(folder: Folder, tmp_path: Path) -> Callable[..., TrainingSetup]:
    """The setup of a training of six pictures on the built-in model, by the fake trainer."""
    folder.draw(*(f"3_a thing/{number}.png" for number in range(5)), "single.png", size=(160, 128))
    folder.write("3_a thing/0.txt", "zork in a meadow")
    (tmp_path / "lora").write_bytes(b"weights")
    run = RunFolder(tmp_path / "run")
    copy_dataset(read_dataset(folder.path, "zork", side=128), run.pictures)

    def make(*mode: str, steps: int = 20, command: tuple[str, ...] = ()) -> TrainingSetup:
        settings = engine_settings(default_model="sketch")
        model = Catalogue({}, "sketch")["sketch"]
        request = default_request(model, "zork", TrainingKind.SUBJECT, "zork")
        fake = (sys.executable, str(FAKE), "{plan}", str(tmp_path / "lora"), str(steps), *mode)
        return TrainingSetup(
            settings=settings,
            model=model,
            base=None,
            request=with_changes(request, {"steps": 10, "seed": 7}),
            folder=run.path,
            command=command or fake,
        )

    return make


class Watched:
    """A run of a command, with what it has reported."""

    def __init__(self, setup: TrainingSetup, *, unfit: bool = False) -> None:
        self.reports: list[TrainingReport] = []
        self.changed = asyncio.Event()
        self.checked: list[Path] = []
        self._unfit = unfit
        self.process = OutsideProcess(setup, self._take, self._check)

    def _take(self, report: TrainingReport) -> None:
        self.reports.append(report)
        self.changed.set()

    async def _check(self, setup: TrainingSetup, file: Path) -> None:
        self.checked.append(file)
        if self._unfit:
            raise InvalidRequest("It doesn't fit.")

    async def until(self, is_true: Callable[[], Any]) -> None:
        async with asyncio.timeout(30):
            while not is_true():
                self.changed.clear()
                await self.changed.wait()

    async def ended(self) -> TrainingReport:
        async with asyncio.timeout(30):
            await self.process.wait()
        return self.reports[-1]

    @property
    def steps(self) -> list[int]:
        return [each.step for each in self.reports if isinstance(each, Trained)]


async def test_it_is_given_pictures_and_plan_and_what_it_writes_is_taken(
    setup_of: Callable[..., TrainingSetup], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "secret")
    setup = setup_of()
    run = Watched(setup)
    last = await run.ended()
    folder = OutsideFolder(RunFolder(setup.folder))
    assert last == Kept(10, setup.folder / "zork.safetensors", final=True)
    assert (setup.folder / "zork.safetensors").read_bytes() == b"weights"
    assert run.checked == [folder.output / "zork.safetensors"]
    assert run.steps == list(range(1, 11)), "twenty of its steps are ten of ours"
    assert len(folder.run.read_losses()) == 10
    shown = {file.relative_to(folder.dataset).as_posix() for file in folder.dataset.rglob("*.txt")}
    assert {name.partition("/")[0] for name in shown} == {"1_zork", "3_zork"}
    texts = {file.read_text() for file in folder.dataset.rglob("*.txt")}
    assert "zork in a meadow" in texts
    assert len(list(folder.dataset.rglob("*.png"))) == 6
    config = tomllib.loads(folder.config.read_text("utf-8"))
    plan = json.loads(folder.plan.read_text("utf-8"))
    assert config["max_train_steps"] == plan["steps"] == 10
    assert config["pretrained_model_name_or_path"] == plan["base"]
    assert (Path(plan["base"]) / "model_index.json").is_file()
    assert config["output_dir"] == plan["output"]
    assert plan["trigger"] == "zork"
    lines = folder.log.read_text().splitlines()
    assert lines[0].startswith("loading ")
    assert lines[-1] == "written"
    assert not folder.process.exists()


async def test_a_long_trigger_fits_into_a_folders_name(
    setup_of: Callable[..., TrainingSetup],
) -> None:
    setup = setup_of()
    setup = replace(setup, request=replace(setup.request, trigger="狗" * 200))
    places = await asyncio.to_thread(hand_over, setup, 0)
    assert "1_" + "狗" * 50 in os.listdir(places["dataset"])


async def test_its_last_line_says_why_it_failed(setup_of: Callable[..., TrainingSetup]) -> None:
    expected = "The trainer has ended with code 3. Its last line: there is no such dataset"
    assert await Watched(setup_of("fail")).ended() == TrainingFailed(expected)
    absent = await Watched(setup_of(command=("no-such-trainer",))).ended()
    assert isinstance(absent, TrainingFailed)
    assert absent.sentence.startswith("The trainer no-such-trainer can't be started: ")
    silent = await Watched(setup_of(command=(sys.executable, "-c", "pass"))).ended()
    assert isinstance(silent, TrainingFailed)
    assert "has written no LoRA to" in silent.sentence


async def test_a_lora_that_cannot_be_loaded_is_not_taken(
    setup_of: Callable[..., TrainingSetup],
) -> None:
    setup = setup_of()
    assert await Watched(setup, unfit=True).ended() == TrainingFailed("It doesn't fit.")
    assert not (setup.folder / "zork.safetensors").exists()


async def test_it_is_paused_begun_anew_kept_from_and_finished(
    setup_of: Callable[..., TrainingSetup],
) -> None:
    setup = setup_of("forever")
    run = Watched(setup)
    await run.until(lambda: 10 in run.steps)
    run.process.send(Pause())
    assert await run.ended() == Paused(10)
    run = Watched(setup)
    await run.until(lambda: 10 in run.steps)
    assert json.loads(OutsideFolder(RunFolder(setup.folder)).plan.read_text())["step"] == 10
    run.process.send(Keep())
    await run.until(lambda: any(isinstance(each, Kept) for each in run.reports))
    assert (setup.folder / "zork-00010.safetensors").exists()
    run.process.send(Finish())
    assert await run.ended() == Kept(10, setup.folder / "zork.safetensors", final=True)
    assert len(RunFolder(setup.folder).read_losses()) == 10


async def test_one_that_does_not_end_is_killed(
    setup_of: Callable[..., TrainingSetup], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.training.outside.process.GRACE", 0.1)
    run = Watched(setup_of("stubborn"))
    await run.until(lambda: 10 in run.steps)
    run.process.send(Pause())
    assert await run.ended() == Paused(10)
    run = Watched(setup_of("stubborn"))
    await run.until(lambda: 10 in run.steps)
    await run.process.kill()
    assert isinstance(run.reports[-1], Trained), "nothing is reported of one that is killed"


async def test_what_it_has_left_running_is_killed(
    setup_of: Callable[..., TrainingSetup], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.training.outside.process.GRACE", 0.1)
    setup = setup_of("parent")
    assert isinstance(await Watched(setup).ended(), Kept)
    await child_is_gone(setup)


async def test_without_process_groups_its_children_are_killed(
    setup_of: Callable[..., TrainingSetup], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.training.outside.processes.GROUPS", False)
    setup = setup_of("family")
    run = Watched(setup)
    await run.until(lambda: 10 in run.steps)
    await run.process.kill()
    await child_is_gone(setup)


async def test_it_is_killed_when_the_disk_is_full(setup_of: Callable[..., TrainingSetup]) -> None:
    setup = setup_of("family")
    RunFolder(setup.folder).losses.mkdir()
    failed = await Watched(setup).ended()
    assert isinstance(failed, TrainingFailed)
    assert failed.sentence.startswith("losses.txt can't be written: ")
    await child_is_gone(setup)


async def child_is_gone(setup: TrainingSetup) -> None:
    """Wait until the child of a fake trainer has ended."""
    file = OutsideFolder(RunFolder(setup.folder)).output / "child"
    with suppress(psutil.NoSuchProcess):
        child = psutil.Process(int(file.read_text()))
        async with asyncio.timeout(30):
            while child.status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_one_that_outlived_the_program_is_killed_before_the_next(
    setup_of: Callable[..., TrainingSetup],
) -> None:
    setup = setup_of("forever")
    folder = OutsideFolder(RunFolder(setup.folder))
    places = await asyncio.to_thread(hand_over, setup, 0)
    words = [word.replace("{plan}", str(places["plan"])) for word in setup.command]
    orphan = await asyncio.create_subprocess_exec(*words, start_new_session=True)
    created = psutil.Process(orphan.pid).create_time()
    known = {"pid": orphan.pid, "created": created + 60}
    folder.run.write(folder.process, json.dumps(known).encode())
    await asyncio.to_thread(end_orphan, folder)
    assert orphan.returncode is None, "another process has its number"
    folder.run.write(folder.process, json.dumps(known | {"created": created}).encode())
    ending = asyncio.create_task(asyncio.to_thread(end_orphan, folder))
    async with asyncio.timeout(30):
        assert await orphan.wait() != 0, "who has waited for it first knows the signal"
        await ending


@pytest.mark.parametrize(
    ("line", "progress"),
    [
        ('{"step": 3, "total": 12, "loss": 0.5}', Progress(3, 12, 0.5)),
        (
            "steps:  10%|█   | 80/800 [00:30<04:50, 2.48it/s, avr_loss=0.125]",
            Progress(80, 800, 0.125),
        ),
        ('{"step": true}', None),
        ('{"step": -1}', None),
        (f'{{"step": 1, "loss": {"9" * 400}}}', Progress(1, 0, ANY)),
        (f"steps: | {'9' * 5000}/1 [loss=1", None),
        ("{" * 5000, None),
        ("epoch 1/10", None),
    ],
)
def test_progress_is_read_from_lines(line: str, progress: Progress | None) -> None:
    assert progress_in(line) == progress


def test_a_progress_without_total_and_loss_counts_steps() -> None:
    found = progress_in('{"step": 3}')
    assert found is not None
    assert (found.of(10), found.of(2), found.total) == (3, 2, 0)
    assert Progress(50, 100).of(10) == 5


def test_the_command_is_checked() -> None:
    command = ("train", "a b", "{config}")
    assert TrainingSettings(command="train 'a b' {config}").command == command
    with pytest.raises(ValidationError, match=r"\{confg\} isn't known"):
        TrainingSettings(command=["train", "{confg}"])
    with pytest.raises(ValidationError, match="a program and its options"):
        TrainingSettings(command=[1])


def test_it_sees_only_the_card_that_is_lent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_DISCORD__TOKEN", "secret")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("CIVITAI_TOKEN", "secret")
    assert "secret" not in environment("cpu").values()
    assert "CUDA_VISIBLE_DEVICES" not in environment("auto")
    assert environment("cuda:1")["CUDA_VISIBLE_DEVICES"] == "1"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert environment("cuda:1")["CUDA_VISIBLE_DEVICES"] == "5"
