"""What a training was asked for comes back from its folder, or counts as damaged."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from engine.training.request import Kind, Optimizer, TrainingRequest
from engine.training.run_folder import RunFolder

REQUEST = TrainingRequest(
    name="zork",
    model="tiny",
    kind=Kind.STYLE,
    trigger="zörk",
    steps=20,
    rank=4,
    learning_rate=1,
    side=512,
    optimizer=Optimizer.PRODIGY,
    sample_prompts=("a zörk", "a house"),
)

FREE = {"steps", "checkpointing", "sample_prompts", "sample_every", "checkpoint_every"}
"""What may differ when a training goes on."""


def other(value: Any) -> Any:
    """Another value of the same type."""
    match value:
        case bool():
            return not value
        case Kind():
            return Kind.CONCEPT
        case Optimizer():
            return Optimizer.ADAMW
        case str():
            return f"{value} and more"
        case tuple():
            return (*value, "more")
    return value + 1


def test_a_request_survives_its_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.read_request() is None
    folder.write_request(REQUEST)
    assert folder.read_request() == REQUEST
    file = tmp_path / "request.json"
    written = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps(written | {"of a later version": 1}))
    assert folder.read_request() == REQUEST


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "other"},
        {"optimizer": 3},
        {"steps": "many"},
        {"steps": None},
        {"learning_rate": "1"},
        {"name": ["zork"]},
        {"sample_prompts": None},
        {"ema": "yes"},
    ],
)
def test_a_request_of_other_kinds_of_values_is_none(tmp_path: Path, changes: Any) -> None:
    text = json.dumps(REQUEST.to_json() | changes)
    (tmp_path / "request.json").write_text(text)
    assert RunFolder(tmp_path).read_request() is None


@pytest.mark.parametrize("text", ["", "[]", "null", '"zork"', "7", "{}", "{", "\ud800"])
def test_a_damaged_request_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "request.json").write_text(text, "utf-8", errors="surrogatepass")
    assert RunFolder(tmp_path).read_request() is None


@pytest.mark.parametrize("name", [field.name for field in fields(TrainingRequest)])
def test_only_what_leaves_a_step_as_it_is_may_change_on_the_way(name: str) -> None:
    changed = replace(REQUEST, **{name: other(getattr(REQUEST, name))})
    assert changed != REQUEST
    assert REQUEST.same_course(changed) == (name in FREE)
    assert changed.same_course(REQUEST) == (name in FREE)


@pytest.mark.parametrize(
    ("text", "losses"),
    [
        ("0.5\n0.25\n0.125\n0.0625\n", [0.5, 0.25]),
        ("0.5\n", [0.5]),
        ("0.5\n0.2x", [0.5]),
        ("0.5\n\x00\x00\x00", [0.5]),
        ("", []),
    ],
)
def test_losses_of_later_steps_and_what_a_crash_left_are_forgotten(
    tmp_path: Path, text: str, losses: list[float]
) -> None:
    folder = RunFolder(tmp_path)
    assert folder.read_losses() == []
    folder.losses.write_text(text)
    folder.cut_losses(2)
    folder.add_loss(0.75)
    assert folder.read_losses() == [*losses, 0.75]


def test_what_a_killed_process_was_writing_is_removed(tmp_path: Path) -> None:
    """A checkpoint may have hundreds of megabytes."""
    folder = RunFolder(tmp_path)
    folder.write(folder.sample(5, 1), b"picture")
    folder.checkpoint.with_suffix(".0a1b2c3d.partial").write_bytes(b"half")
    folder.sample(6, 1).with_suffix(".0a1b2c3d.partial").write_bytes(b"half")
    folder.clear_partial()
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [folder.sample(5, 1)]
