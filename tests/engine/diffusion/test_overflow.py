"""A picture that would come out black is painted again in a wider type, which is remembered."""

import logging
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
import torch

from engine.devices.messages import JobFailed, JobPainted, ModelOverflowed, RunJob
from engine.diffusion.device import Device
from engine.diffusion.families.latent_sample import DenoiserBatch, LatentSample
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.memory.device import DeviceFacts
from engine.memory.plan import Stage
from engine.memory.precision import Overflow
from engine.models.model import Model
from tests.engine.builders import job, model
from tests.engine.diffusion.harness import Harness

CARD = DeviceFacts.imagined(8 * 10**9)


@pytest.fixture(autouse=True)
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU plays a card, so that weights are loaded in half precision."""
    monkeypatch.setattr(Device, "facts", lambda device, own_bytes=0: CARD)
    monkeypatch.setattr(Device, "has_own_memory", property(lambda device: True))


@pytest.fixture
def tiny(folders: dict[str, Path]) -> Model:
    return model(folders["epsilon"])


def overflow_in(
    monkeypatch: pytest.MonkeyPatch, stage: Stage, *narrow: torch.dtype, prompt: str = ""
) -> list[torch.dtype]:
    """Let a stage give NaN in these types, for pictures of that prompt; the types it was run in."""
    run: list[torch.dtype] = []

    def spoil(numbers: torch.Tensor, asked: str) -> torch.Tensor:
        run.append(numbers.dtype)
        return numbers * float("nan") if numbers.dtype in narrow and prompt in asked else numbers

    denoise, decode, read = (
        StableDiffusion.denoise,
        StableDiffusion.decode,
        StableDiffusion.encode_image,
    )

    def denoised(self: StableDiffusion, batch: DenoiserBatch) -> torch.Tensor:
        return spoil(denoise(self, batch), batch.recipe.prompt)

    def decoded(self: StableDiffusion, sample: LatentSample) -> torch.Tensor:
        return spoil(decode(self, sample), sample.recipe.prompt)

    def encoded(self: StableDiffusion, pixels: torch.Tensor, *more: Any) -> torch.Tensor:
        run.append(pixels.dtype)
        latents = read(self, pixels, *more)
        return latents * float("nan") if pixels.dtype in narrow else latents

    if stage is Stage.STEP:
        monkeypatch.setattr(StableDiffusion, "denoise", denoised)
    elif stage is Stage.DECODE:
        monkeypatch.setattr(StableDiffusion, "decode", decoded)
    else:
        monkeypatch.setattr(StableDiffusion, "encode_image", encoded)
    return run


@pytest.mark.parametrize(
    ("stage", "narrow", "types", "remembered"),
    [
        (Stage.STEP, [torch.float16], ["float16", "bfloat16"], [("step", "float16")]),
        (
            Stage.STEP,
            [torch.float16, torch.bfloat16],
            ["float16", "bfloat16", "float32"],
            [("step", "float16"), ("step", "bfloat16")],
        ),
        (Stage.DECODE, [torch.float16], ["float16", "float32"], [("decode", "float16")]),
    ],
    ids=["denoiser", "denoiser twice", "VAE"],
)
def test_what_overflows_is_painted_in_a_wider_type_now_and_later(
    tiny: Model,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    stage: Stage,
    narrow: list[torch.dtype],
    types: list[str],
    remembered: list[tuple[str, str]],
) -> None:
    run = overflow_in(monkeypatch, stage, *narrow)
    harness = Harness()
    with caplog.at_level(logging.WARNING, "engine"):
        harness.run(RunJob(job(1, seed=3), tiny), RunJob(job(2), tiny), jobs=2)
    painted = harness.of(JobPainted)
    assert all(any(report.pictures[0].data) for report in painted)
    assert len(painted) == 2
    assert list(dict.fromkeys(str(each).removeprefix("torch.") for each in run)) == types
    overflows = [report.overflow for report in harness.of(ModelOverflowed)]
    assert overflows == [Overflow("tiny", CARD.name, Stage(s), dtype) for s, dtype in remembered]
    assert f"tiny is painted in {types[-1]} on {CARD.name} from now on" in caplog.text


def test_a_start_picture_that_overflows_the_vae_is_read_in_float32(
    tiny: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    PIL.Image.new("RGB", (64, 64), "red").save(tmp_path / "start.png")
    run = overflow_in(monkeypatch, Stage.ENCODE, torch.float16)
    harness = Harness()
    asked = job(1, image="start.png", strength=0.5)
    harness.run(RunJob(asked, tiny, tmp_path / "start.png"), jobs=1)
    assert harness.of(JobPainted)
    assert run[0] is torch.float16
    assert run[-1] is torch.float32


@pytest.mark.slow
def test_what_no_type_can_paint_fails_alone_and_is_not_remembered(
    tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = (torch.float16, torch.bfloat16, torch.float32)
    run = overflow_in(monkeypatch, Stage.STEP, *every, prompt="broken")
    harness = Harness()
    broken = RunJob(job(1, prompt="broken"), tiny)
    harness.run(broken, RunJob(job(2), tiny), jobs=2)
    [failed] = harness.of(JobFailed)
    assert failed.job_id == 1
    assert "tiny can only paint this black here." in failed.sentence
    assert [report.job_id for report in harness.of(JobPainted)] == [2]
    assert not harness.of(ModelOverflowed)
    assert run[-1] is torch.float16
