"""The benchmark of speed."""

from pathlib import Path
from typing import Any

import pytest
import torch
from typer import BadParameter

from benchmarks import speed

from .weights import TINY


@pytest.mark.slow
def test_each_way_is_compared_with_the_plain_one_and_what_is_broken_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def breaks(pipe: Any) -> Any:
        raise RuntimeError("no such kernel\nat line 5")

    ways = {name: speed.WAYS[name] for name in (speed.PLAIN, "channels_last", "exact", "close")}
    monkeypatch.setattr(speed, "WAYS", ways | {"broken": breaks})
    pipe, call = speed.load("sketch", tmp_path, torch.device("cpu"))
    measured = speed.Measured()
    speed.measure(pipe, call | {"num_inference_steps": 2}, 2, speed.WAYS, measured)
    assert {name: len(taken) for name, taken in measured.seconds.items()} == {
        "plain": 2,
        "channels_last": 2,
        "exact": 2,
    }
    assert {difference for name in ("plain", "exact") for difference in measured.apart[name]} == {
        (0.0, 0.0)
    }
    assert max(difference.largest for difference in measured.apart["channels_last"]) <= 1
    assert measured.broken == {
        "close": "int8mm needs CUDA, not cpu",
        "broken": "no such kernel at line 5",
    }
    assert pipe.unet.conv_in.weight.is_contiguous()


@pytest.mark.slow
def test_quick_is_nearer_to_the_plain_picture_than_as_few_steps_are(tmp_path: Path) -> None:
    pipe, call = speed.load("sketch", tmp_path, torch.device("cpu"))
    ways = (speed.PLAIN, "fewer steps", "quick")
    measured = speed.Measured()
    speed.measure(pipe, call, 1, ways, measured)
    assert not measured.broken
    [[quick], [fewer]] = measured.apart["quick"], measured.apart["fewer steps"]
    assert 0 < quick.mean < fewer.mean


def test_a_row_has_what_was_measured_when_time_was_up() -> None:
    measured = speed.Measured(
        seconds={"plain": [2.0, 4.0], "exact": [1.0]},
        apart={"plain": [speed.Difference(0, 0)] * 2, "exact": [speed.Difference(0.5, 3)]},
        broken={"close": "[/usr/bin/gcc] failed"},
    )
    assert measured.row("exact") == ("exact", "1.000", "2.00 (2.00 to 2.00)", "0.50", "3")
    assert measured.row("plain")[1] == "3.000"
    assert measured.row("quick")[2] == "no time was left"


def test_reasons_in_brackets_and_a_pipeline_that_does_not_fit_are_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(pipe: Any, call: Any, rounds: int, ways: Any, measured: speed.Measured) -> None:
        measured.broken["close"] = "[/usr/bin/gcc] failed"
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(speed, "load", lambda *_: (None, {"width": 8, "num_inference_steps": 2}))
    monkeypatch.setattr(speed, "measure", full)
    speed.main(device="cpu", way=["close"])
    said = capsys.readouterr().out
    assert "ran out of memory" in said
    assert "[/usr/bin/gcc] failed" in said
    with pytest.raises(BadParameter, match="not slow"):
        speed.main(device="cpu", way=["slow"])


@pytest.mark.parametrize("model", TINY)
def test_both_sides_paint_the_same_picture(model: str, tmp_path: Path) -> None:
    TINY[model](tmp_path / model)
    pipe, call = speed.load(model, tmp_path, torch.device("cpu"))
    measured = speed.Measured()
    small = call | {"width": 64, "height": 64, "num_inference_steps": 2}
    speed.measure(pipe, small, 1, (speed.PLAIN, "exact"), measured)
    assert not measured.broken
    assert measured.apart["exact"] == [(0.0, 0.0)]
