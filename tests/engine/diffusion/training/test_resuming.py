"""A training that was paused or broken off gives the weights of one that nobody disturbed."""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.diffusion.training.checkpoints import Checkpoint
from engine.training.messages import (
    Keep,
    Kept,
    Pause,
    Paused,
    Preparing,
    Trained,
    TrainingCommand,
    TrainingReport,
)
from engine.training.process import TrainingProcess
from tests.engine.diffusion.training.runs import SIDE, Run, trained, training

Base = Callable[[str], Path]

STEPS = 4

SIZES = [(SIDE, SIDE), (SIDE, SIDE), (96, 64), (SIDE, SIDE), (96, 64)]

EVERYTHING: dict[str, Any] = {
    "batch": 2,
    "accumulate": 2,
    "dora": True,
    "ema": True,
    "convolutions": True,
    "text_encoder": True,
    "caption_dropout": 0.5,
    "warmup_steps": 3,
    "class_prompt": "a house",
    "class_pictures": 3,
    "sample_prompts": ("zork",),
    "sample_every": 1,
}


class BrokenOff(Exception):
    """In place of the end of the process."""


def undisturbed(folder: Path, base: Path, **changes: Any) -> dict[str, torch.Tensor]:
    return trained(training(folder, base, SIZES, steps=STEPS, **changes)).lora


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)


def pause_after(step: int) -> Callable[[Run, TrainingReport], None]:
    def watch(run: Run, report: TrainingReport) -> None:
        if isinstance(report, Trained) and report.step == step:
            run.commands.put(Pause())

    return watch


def break_off_after(step: int) -> Callable[[Run, TrainingReport], None]:
    def watch(run: Run, report: TrainingReport) -> None:
        if isinstance(report, Trained) and report.step == step:
            raise BrokenOff

    return watch


OPTIONS: dict[str, dict[str, Any]] = {
    "some": {"ema": True, "batch": 2, "caption_dropout": 0.5},
    "everything": EVERYTHING,
    "nothing": {},
    "an average": {"ema": True},
    "magnitudes": {"dora": True, "convolutions": True},
    "two calls for a step": {"accumulate": 2},
    "a class": {"class_prompt": "a house", "class_pictures": 2},
    "batches": {"batch": 2},
    "dropped captions": {"caption_dropout": 0.5},
    "checkpointing of activations": {"checkpointing": True},
}


@pytest.mark.parametrize(
    "options",
    [pytest.param(each, marks=() if each == "some" else pytest.mark.slow) for each in OPTIONS],
)
def test_a_pause_and_a_crash_change_nothing(base: Base, tmp_path: Path, options: str) -> None:
    """The crash comes two steps after the checkpoint, which are done again."""
    changes = OPTIONS[options]
    model = base("sd")
    expected = undisturbed(tmp_path / "undisturbed", model, **changes)
    setup = training(tmp_path / "disturbed", model, SIZES, steps=STEPS, **changes)
    paused = trained(setup, pause_after(1))
    assert paused.reports[-1] == Paused(1)
    assert not paused.of(Kept)
    broken = Run(setup, break_off_after(3))
    with pytest.raises(BrokenOff):
        broken.trainer.run()
    assert len(broken.folder.read_losses()) == 3
    resumed = trained(setup)
    assert [report.step for report in resumed.of(Trained)] == [2, 3, 4]
    assert resumed.of(Trained)[0].loss == broken.of(Trained)[0].loss
    assert len(resumed.folder.read_losses()) == STEPS
    assert same(resumed.lora, expected)
    assert any(value.any() for name, value in expected.items() if "lora_up" in name)


@pytest.mark.parametrize("before", [(), (Keep(),)], ids=["alone", "after another command"])
def test_a_pause_does_not_wait_until_all_pictures_are_prepared(
    base: Base, tmp_path: Path, before: Sequence[TrainingCommand]
) -> None:
    def pause(run: Run, report: TrainingReport) -> None:
        if isinstance(report, Preparing) and report.done == 1:
            for command in (*before, Pause()):
                run.commands.put(command)

    changes: dict[str, Any] = {"class_prompt": "a house", "class_pictures": 3, "steps": 1}
    setup = training(tmp_path, base("sd"), SIZES, **changes)
    paused = trained(setup, pause)
    assert paused.reports[-1] == Paused(0)
    [painted] = paused.folder.prior.iterdir()
    written = painted.stat().st_mtime_ns
    resumed = trained(setup)
    assert resumed.of(Kept)
    assert painted.stat().st_mtime_ns == written, "it isn't painted again"


@pytest.mark.slow
def test_it_can_be_paused_after_every_step(base: Base, tmp_path: Path) -> None:
    model = base("sd")
    expected = undisturbed(tmp_path / "undisturbed", model)
    setup = training(tmp_path / "paused", model, SIZES, steps=STEPS)
    for step in range(1, STEPS):
        assert trained(setup, pause_after(step)).reports[-1] == Paused(step)
    assert same(trained(setup).lora, expected)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sdxl", "flux", "flux2-klein", "z-image", "qwen-image"])
def test_every_family_goes_on_from_a_checkpoint(base: Base, tmp_path: Path, kind: str) -> None:
    expected = undisturbed(tmp_path / "undisturbed", base(kind), ema=True)
    setup = training(tmp_path / "paused", base(kind), SIZES, steps=STEPS, ema=True)
    trained(setup, pause_after(2))
    assert same(trained(setup).lora, expected)


@pytest.mark.slow
async def test_a_killed_process_is_gone_on_with(base: Base, tmp_path: Path) -> None:
    """By SIGKILL from outside, in the middle of whatever it does."""
    changes: dict[str, Any] = {"steps": 8, "checkpoint_every": 3}
    expected = trained(training(tmp_path / "undisturbed", base("sd"), SIZES, **changes)).lora
    setup = training(tmp_path / "killed", base("sd"), SIZES, **changes)
    reports: list[TrainingReport] = []
    seen = asyncio.Event()

    def take(report: TrainingReport) -> None:
        reports.append(report)
        if isinstance(report, Trained) and report.step == 5:
            seen.set()

    process = TrainingProcess(setup, take)
    await seen.wait()
    pid = process._process._process.pid
    assert pid is not None
    os.kill(pid, 9)
    await process.wait()
    assert "broken off" in reports[-1].sentence  # type: ignore[union-attr]
    checkpoint = Checkpoint.read(Run(setup).folder.checkpoint)
    assert checkpoint is not None
    assert checkpoint.step >= 3
    again: list[TrainingReport] = []
    await TrainingProcess(setup, again.append).wait()
    assert isinstance(again[-1], Kept)
    assert again[-1].final
    assert same(Run(setup).lora, expected)
