"""The benchmark of speed, and the one that runs all of them into a file."""

from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import speed
from benchmarks.card import section


@pytest.mark.slow
def test_each_way_is_compared_with_the_plain_one_and_what_is_broken_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def breaks(pipe: Any) -> Any:
        raise RuntimeError("no such kernel\nat line 5")

    ways = {name: speed.WAYS[name] for name in (speed.PLAIN, "channels_last", "exact", "close")}
    monkeypatch.setattr(speed, "WAYS", ways | {"broken": breaks})
    pipe, call = speed.load("sketch", tmp_path, torch.device("cpu"))
    seconds, difference, broken = speed.measure(pipe, call | {"num_inference_steps": 2}, rounds=2)
    assert {name: len(taken) for name, taken in seconds.items()} == {
        "plain": 2,
        "channels_last": 2,
        "exact": 2,
    }
    assert {tuple(difference[name]) for name in ("plain", "exact")} == {(0.0, 0.0)}
    assert difference["channels_last"].largest <= 1
    assert broken == {
        "close": "int8mm needs CUDA, not cpu",
        "broken": "no such kernel at line 5",
    }
    assert pipe.unet.conv_in.weight.is_contiguous()


@pytest.mark.slow
def test_quick_is_nearer_to_the_plain_picture_than_as_few_steps_are(tmp_path: Path) -> None:
    pipe, call = speed.load("sketch", tmp_path, torch.device("cpu"))
    ways = (speed.PLAIN, "fewer steps", "quick")
    _, difference, broken = speed.measure(pipe, call, rounds=1, ways=ways)
    assert not broken
    assert 0 < difference["quick"].mean < difference["fewer steps"].mean


@pytest.mark.slow
def test_a_benchmark_that_fails_or_takes_too_long_says_so_in_its_section() -> None:
    assert "No module named" in section("Burst", ("benchmarks.none",), "cpu", 60)
    waits = "import time; print('half a table', flush=True); time.sleep(60)"
    text = section("Burst", ("timeit", "-n", "1", waits), "cpu", 2)
    assert text.startswith("## Burst\n\n```text\n$ python -m timeit -n 1 import time;")
    assert "half a table\n\n(cut off after 2 seconds)" in text
