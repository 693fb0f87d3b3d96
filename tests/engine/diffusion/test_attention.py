"""Choosing the kernel for attention, with kernels whose speed and faults are made up."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from engine.diffusion import trials
from engine.diffusion.attention import PLAIN, Attention, Kernel
from engine.diffusion.tuning import Tuning

CUDA = torch.device("cuda", 0)


class Denoiser:
    """Takes as long, and computes, as the kernel says with which it is called.

    Attributes:
        calls: The kernels with which it was called.
        broken: Those that raise.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = {PLAIN: 1.0, "fast": 0.5, "faster but wrong": 0.1, "slow": 2.0, "none": 0.1}
        self.calls: list[str] = []
        self.broken = {"none": "no kernel image is available"}
        self._kernel, self._now = PLAIN, 0.0
        clock = SimpleNamespace(perf_counter=lambda: self._now)
        monkeypatch.setattr(trials, "time", clock)
        monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)

    @property
    def kernels(self) -> Mapping[str, Kernel]:
        return {name: partial(self._using, name) for name in self.seconds}

    def __call__(self) -> torch.Tensor:
        self.calls.append(self._kernel)
        self._now += self.seconds[self._kernel]
        if (fault := self.broken.get(self._kernel)) is not None:
            raise RuntimeError(fault)
        return torch.full((2, 2), 9.0 if "wrong" in self._kernel else 1.0)

    @contextmanager
    def _using(self, name: str) -> Iterator[None]:
        self._kernel = name
        try:
            yield
        finally:
            self._kernel = PLAIN


@pytest.fixture
def denoiser(monkeypatch: pytest.MonkeyPatch) -> Denoiser:
    return Denoiser(monkeypatch)


def chooser(denoiser: Denoiser, folder: Path, device: torch.device = CUDA) -> Attention:
    tuning = Tuning(folder, "a card", "a model", "float16")
    return Attention(tuning, device, "a model", denoiser.kernels)


def test_the_fastest_that_computes_the_same_is_taken_and_remembered(
    denoiser: Denoiser, tmp_path: Path
) -> None:
    first = chooser(denoiser, tmp_path)
    first.call(denoiser, may_try=False)
    assert denoiser.calls == [PLAIN]
    assert first.call(denoiser, may_try=True).max() == 1
    assert first.chosen == "fast"

    denoiser.calls.clear()
    second = chooser(denoiser, tmp_path)
    second.call(denoiser, may_try=True)
    assert denoiser.calls == ["fast"]
    other = Attention(
        Tuning(tmp_path, "another card", "a model", "float16"), CUDA, "a model", denoiser.kernels
    )
    assert other.chosen is None


def test_a_kernel_that_fails_later_gives_way_to_torchs_and_the_job_goes_on(
    denoiser: Denoiser, tmp_path: Path
) -> None:
    chosen = chooser(denoiser, tmp_path)
    chosen.call(denoiser, may_try=True)
    denoiser.broken["fast"] = "attn_mask is not supported"
    assert chosen.call(denoiser, may_try=True).max() == 1
    assert chosen.chosen == PLAIN
    assert chooser(denoiser, tmp_path).chosen == PLAIN


def test_running_out_of_memory_is_no_fault_of_the_kernel(
    denoiser: Denoiser, tmp_path: Path
) -> None:
    chosen = chooser(denoiser, tmp_path)
    chosen.call(denoiser, may_try=True)
    denoiser.broken["fast"] = "CUDA out of memory"
    with pytest.raises(RuntimeError, match="out of memory"):
        chosen.call(denoiser, may_try=True)
    assert chosen.chosen == "fast"


def test_a_gain_that_may_be_chance_is_left(denoiser: Denoiser, tmp_path: Path) -> None:
    denoiser.seconds["fast"] = 0.98
    chosen = chooser(denoiser, tmp_path)
    chosen.call(denoiser, may_try=True)
    assert chosen.chosen == PLAIN


def test_a_cpu_tries_nothing(denoiser: Denoiser, tmp_path: Path) -> None:
    chooser(denoiser, tmp_path, torch.device("cpu")).call(denoiser, may_try=True)
    assert denoiser.calls == [PLAIN]


@pytest.mark.parametrize("text", ["", "[1]", '{"x": 3}', "{"])
def test_a_damaged_file_is_written_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "tuning.json").write_text(text)
    tuning = Tuning(tmp_path, "a card", "a model", "float16")
    assert tuning.text("attention") is None
    tuning.remember(attention="fast", gain=1.5)
    again = Tuning(tmp_path, "a card", "a model", "float16")
    assert (again.text("attention"), again.number("gain")) == ("fast", 1.5)
