"""Networks on the device: beside what is painted, cancelled, and with too little memory."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine.devices.messages import (
    CancelJob,
    JobDropped,
    JobFailed,
    JobPainted,
    JobProgress,
    ProcessPicture,
    RunJob,
)
from engine.diffusion import Device
from engine.diffusion.networks import NetworkRunner
from engine.diffusion.networks.upscaler import Upscaler
from engine.jobs.process import Process, ProcessKind
from engine.models.networks import Network
from tests.engine.builders import engine_settings, job, model
from tests.engine.diffusion.harness import Harness, noisy
from tests.tiny.segmenter import segmenter
from tests.tiny.upscaler import needs_spandrel, upscaler

pytestmark = needs_spandrel


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "picture.png"
    noisy(150, 100).save(file)
    return file


@pytest.fixture
def network(tmp_path: Path) -> Network:
    file = upscaler(tmp_path / "net.safetensors")
    return Network(kind=ProcessKind.UPSCALE, name="tiny-upscaler", source=str(file))


def enlarging(number: int, network: Network, picture: Path, **changes: Any) -> ProcessPicture:
    process = Process(kind=network.kind, image=picture.name, network=network.name)
    made = job(number, enlarged=2, process=process, width=150, height=100, **changes)
    return ProcessPicture(made, network, picture)


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several for the picture."""
    monkeypatch.setattr("engine.diffusion.networks.runner.CPU_SIDE", 64)


@pytest.mark.usefixtures("small_tiles")
def test_tiles_and_steps_take_turns(tiny_model: Path, network: Network, picture: Path) -> None:
    harness = Harness()
    paint = RunJob(job(1, num_inference_steps=6), model(tiny_model))
    harness.run(paint, enlarging(2, network, picture), jobs=2)
    [enlarged] = harness.of(JobPainted, 2)
    assert (enlarged.pictures[0].width, enlarged.pictures[0].height) == (300, 200)
    alone = Harness()
    alone.run(RunJob(job(1, num_inference_steps=6), model(tiny_model)), jobs=1)
    assert harness.of(JobPainted, 1) == alone.of(JobPainted, 1)
    turns = [report.job_id for report in harness.of(JobProgress)]
    assert turns[:6] == [2, 1] * 3


@pytest.mark.usefixtures("small_tiles")
def test_a_cancelled_one_leaves_at_the_next_tile(network: Network, picture: Path) -> None:
    harness = Harness()
    harness.watch = lambda report: (
        harness.commands.put(CancelJob(1))
        if isinstance(report, JobProgress) and report.job_id == 1 and report.step == 1
        else None
    )
    harness.run(enlarging(1, network, picture), enlarging(2, network, picture, seed=8), jobs=2)
    assert harness.of(JobDropped, 1)
    assert len(harness.of(JobProgress, 1)) == 1
    assert harness.of(JobPainted, 2)


def test_without_memory_tiles_shrink_and_the_picture_is_the_same(
    network: Network, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Harness()
    plain.run(enlarging(1, network, picture), jobs=1)
    sides: list[int] = []
    enlarge = Upscaler.enlarge

    def limited(self: Upscaler, pixels: torch.Tensor, factor: int) -> torch.Tensor:
        sides.append(max(pixels.shape[1:]))
        if sides[-1] > 96:
            raise torch.OutOfMemoryError("out of memory")
        return enlarge(self, pixels, factor)

    monkeypatch.setattr(Upscaler, "enlarge", limited)
    harness = Harness()
    harness.run(enlarging(1, network, picture), jobs=1)
    assert sides[:2] == [128, 96]
    [one], [other] = (h.of(JobPainted)[0].pictures for h in (plain, harness))
    levels = [np.frombuffer(each.data, np.uint8).astype(np.int16) for each in (one, other)]
    assert np.abs(levels[0] - levels[1]).max() <= 1


@pytest.mark.parametrize("frees", [True, False])
def test_a_network_that_does_not_fit_beside_the_model_has_it_leave(
    network: Network, picture: Path, monkeypatch: pytest.MonkeyPatch, frees: bool
) -> None:
    move, full = Upscaler.move, True
    reports: list[object] = []

    def moved(self: Upscaler, device: torch.device) -> None:
        if full and not runner.busy:
            raise torch.OutOfMemoryError("out of memory")
        move(self, device)

    def make_room() -> bool:
        nonlocal full
        full = not frees
        return True

    monkeypatch.setattr(Upscaler, "move", moved)
    device = Device.choose(engine_settings())
    runner = NetworkRunner(device, lambda _: Path(network.source), reports.append, make_room)
    monkeypatch.setattr(runner, "_leave", lambda network: None)
    runner.begin(enlarging(1, network, picture))
    assert runner.alone is runner.busy is frees, "nothing is painted meanwhile"
    while runner.busy:
        runner.step()
    assert isinstance(reports[-1], JobPainted if frees else JobFailed)
    assert not runner.alone


def test_where_nothing_fits_it_is_said_and_the_next_job_is_done(
    network: Network, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Upscaler, pixels: torch.Tensor, factor: int) -> torch.Tensor:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(Upscaler, "enlarge", full)
    folder = segmenter(tmp_path / "segmenter", Image.open(picture))
    cutter = Network(
        kind=ProcessKind.BACKGROUND, name="cutter", source=str(folder), labels=("background",)
    )
    lost = dataclasses.replace(network, source=str(tmp_path / "gone.safetensors"))
    harness = Harness()
    harness.run(
        enlarging(1, network, picture),
        enlarging(2, lost, picture),
        enlarging(3, cutter, picture),
        jobs=3,
    )
    assert "tiny-upscaler doesn't fit" in harness.of(JobFailed, 1)[0].sentence
    assert "neither a file nor a Hub ID" in harness.of(JobFailed, 2)[0].sentence
    [cut] = harness.of(JobPainted, 3)[0].pictures
    assert (cut.mode, cut.width) == ("RGBA", 150)
