"""What goes wrong in a training is told in a sentence, and what was there stays good."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.training import trainer as training_module
from engine.diffusion.training.checkpoints import Checkpoint
from engine.diffusion.training.examples import Example
from engine.diffusion.training.optimizers import make_optimizer
from engine.diffusion.training.order import Order
from engine.errors import InvalidRequest, StorageError
from engine.training.dataset.errors import InvalidDataset
from engine.training.messages import Finish, Keep, Kept, Preparing, Sampled, Trained
from engine.training.request import Optimizer
from tests.engine.diffusion.training.runs import CAPTIONS, Run, no_space, trained, training

Base = Callable[[str], Path]


def checkpoint(step: int) -> Checkpoint:
    return Checkpoint(step, {"factors": {"a": torch.ones(2)}, "average": None}, {}, {})


def test_a_checkpoint_on_a_full_disk_leaves_the_one_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "checkpoint.pt"
    checkpoint(1).write(file)
    monkeypatch.setattr("engine.atomic_write.os.fsync", no_space)
    with pytest.raises(StorageError, match="can't be written: No space left"):
        checkpoint(2).write(file)
    read = Checkpoint.read(file)
    assert read is not None
    assert read.step == 1
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("damage", ["cut", "empty", "other", "gone"])
def test_a_damaged_checkpoint_counts_as_none(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "checkpoint.pt"
    checkpoint(1).write(file)
    match damage:
        case "cut":
            file.write_bytes(file.read_bytes()[:-100])
        case "empty":
            file.write_bytes(b"")
        case "other":
            torch.save({"step": 3}, file)
        case "gone":
            file.unlink()
    assert Checkpoint.read(file) is None


@pytest.mark.parametrize("size", [1, 2, 3, 16])
def test_each_example_is_shown_once_in_an_epoch_beside_those_of_its_size(size: int) -> None:
    keys = ["wide"] * 5 + ["square"] * 4 + ["tall"]
    order = Order(keys, size, seed=3)
    epochs = []
    for epoch in range(3):
        batches = [order[epoch * len(order) + place] for place in range(len(order))]
        assert sorted(each for batch in batches for each in batch) == list(range(len(keys)))
        assert all(len({keys[each] for each in batch}) == 1 for batch in batches)
        assert max(map(len, batches)) <= size
        epochs.append(batches)
    assert epochs[0] != epochs[1] != epochs[2]
    assert Order(keys, size, seed=3)[len(order)] == epochs[1][0], "it follows from the number"
    assert [Order(keys, size, seed=4)[place] for place in range(len(order))] != epochs[0]


@pytest.mark.parametrize("broken", [pytest.param("loss", marks=pytest.mark.slow), "gradients"])
def test_weights_that_are_not_finite_are_never_kept(
    base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """A step whose loss or gradients aren't finite isn't taken; the checkpoint before it stays."""
    loss = training_module.Trainer._loss
    calls = []

    def once_broken(self: Any, *args: Any, **options: Any) -> torch.Tensor:
        found = loss(self, *args, **options)
        calls.append(found)
        if len(calls) < 3:
            return found
        if broken == "loss":
            return found * float("nan")
        [weight, *_] = self._parameters
        bent: torch.Tensor = found + (weight - weight.detach()).abs().sqrt().sum()
        return bent  # the root's slope at zero isn't finite

    monkeypatch.setattr(training_module.Trainer, "_loss", once_broken)
    run = Run(training(tmp_path / "run", base("sd"), steps=4, checkpoint_every=1))
    with pytest.raises(InvalidRequest, match=r"astray at step 2.*below 0\.01"):
        run.trainer.run()
    assert len(run.of(Trained)) == 2 == len(run.folder.read_losses())
    left = Checkpoint.read(run.folder.checkpoint)
    assert left is not None
    assert left.step == 2
    assert all(value.isfinite().all() for value in left.layers["factors"].values())
    assert not run.of(Kept)


@pytest.mark.slow
def test_black_samples_end_it(base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(training(tmp_path / "run", base("sd"), sample_prompts=("zork",), sample_every=2))
    monkeypatch.setattr(training_module, "is_black", lambda picture: True)
    with pytest.raises(InvalidRequest, match="astray at step 2"):
        run.trainer.run()
    assert [report.step for report in run.of(Sampled)] == [0], "what a model paints is its own"


def test_pictures_that_the_safety_checker_withholds_are_left_out(
    base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It objects to half-learnt pictures, too: that's no reason to end a training."""
    flags = iter([True, False, False, True])  # the class, then two samples
    monkeypatch.setattr(StableDiffusion, "_flagged", lambda self, pixels: [next(flags, False)])
    run = trained(
        training(
            tmp_path / "run",
            base("sd"),
            steps=1,
            sample_prompts=("zork", "a zork"),
            class_prompt="a house",
            class_pictures=2,
        )
    )
    assert [file.name for file in run.folder.prior.iterdir()] == ["0001.png"]
    assert [len(report.files) for report in run.of(Sampled)] == [1, 2]
    assert run.of(Kept)


def test_beside_a_class_what_is_learnt_keeps_its_captions(
    base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, set[bool]] = {}
    make_input = Example.input

    def recorded(self: Example, *args: Any, captioned: bool = True, **more: Any) -> Any:
        seen.setdefault(self.sample.recipe.prompt, set()).add(captioned)
        return make_input(self, *args, captioned=captioned, **more)

    monkeypatch.setattr(Example, "input", recorded)
    a_class: dict[str, Any] = {"class_prompt": "a house", "class_pictures": 1}
    setup = training(tmp_path / "run", base("sd"), caption_dropout=1.0, **a_class)
    trained(setup)
    assert seen.pop("a house") == {False}
    assert list(seen.values()) == [{True}] * len(CAPTIONS)


def test_it_is_kept_and_finished_when_told(base: Base, tmp_path: Path) -> None:
    """What is finished before its time has the weights of that step."""

    def watch(run: Run, report: Any) -> None:
        if isinstance(report, Trained):
            run.commands.put(Keep() if report.step == 1 else Finish())

    setup = training(tmp_path / "run", base("sd"), steps=9, ema=True)
    run = trained(setup, watch)
    kept, final = run.of(Kept)
    assert kept.step == 1
    assert not kept.final
    assert kept.file.name == "zork-00001.safetensors"
    assert final.step == 2
    assert final.final
    assert final.file.name == "zork.safetensors"
    assert kept.file.read_bytes() != final.file.read_bytes()
    assert run.reports[-1] == final
    assert len(run.of(Trained)) == 2


@pytest.mark.slow
def test_a_finished_training_that_is_asked_for_more_steps_takes_them(
    base: Base, tmp_path: Path
) -> None:
    """And a damaged checkpoint has it begin anew, with the losses of that course alone."""
    setup = training(tmp_path / "run", base("sd"), steps=2)
    first = trained(setup)
    longer = replace(setup, request=replace(setup.request, steps=3))
    second = trained(longer)
    assert [report.step for report in second.of(Trained)] == [3]
    assert second.folder.read_losses()[:2] == first.folder.read_losses()[:2]
    second.folder.checkpoint.write_bytes(b"damaged")
    again = trained(longer)
    assert [report.step for report in again.of(Trained)] == [1, 2, 3]
    assert len(again.folder.read_losses()) == 3
    assert all(again.lora[name].equal(value) for name, value in second.lora.items())


def test_a_picture_that_is_gone_when_its_turn_comes_is_told(base: Base, tmp_path: Path) -> None:
    def watch(run: Run, report: Any) -> None:
        if isinstance(report, Preparing) and report.done == 1:
            (run.folder.pictures / "2.png").unlink()

    run = Run(training(tmp_path / "run", base("sd")), watch)
    with pytest.raises(InvalidDataset, match=r"2\.png"):
        run.trainer.run()


@pytest.mark.parametrize(
    ("optimizer", "package"),
    [(Optimizer.ADAMW8, "bitsandbytes"), (Optimizer.PRODIGY, "prodigyopt")],
)
def test_an_optimizer_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optimizer: Optimizer, package: str
) -> None:
    for name in (package, f"{package}.optim"):
        monkeypatch.setitem(sys.modules, name, None)
    request = training(tmp_path / "run", tmp_path, optimizer=optimizer).request
    with pytest.raises(InvalidRequest, match=f"needs the package {package}"):
        make_optimizer([torch.nn.Parameter(torch.zeros(2))], request)
