"""Control networks on a device: loaded when needed, planned, and given up when not needed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.devices.messages import JobFailed, JobPainted, RunJob
from engine.diffusion import loader as loading
from engine.diffusion.device import Device
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.loader import LoadedModel
from engine.diffusion.offload import components as offloading
from engine.jobs.control import Control, ControlKind
from engine.models.controls import ControlCatalogue
from engine.models.inspection import inspect
from engine.network_settings import ControlSettings
from tests.engine.builders import job, model
from tests.engine.diffusion.families.parity import ONE_LEVEL
from tests.engine.diffusion.families.unet_pipelines import photo
from tests.engine.diffusion.harness import Harness
from tests.engine.diffusion.test_fallback import SMALL_CARD, break_times
from tests.engine.memory.models import MODELS
from tests.tiny.controlnet import controlnet

NAMES = ("one", "two", "three", "four")


@pytest.fixture(scope="module")
def controls(pipes: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> ControlCatalogue:
    def settings(number: int, name: str) -> ControlSettings:
        folder = controlnet(tmp_path_factory.mktemp(name), pipes["epsilon"].unet, seed=number)
        return ControlSettings(source=str(folder), family="sd", types=("edges",))

    return ControlCatalogue({name: settings(n, name) for n, name in enumerate(NAMES)})


@pytest.fixture
def shown(tmp_path: Path) -> Path:
    photo().save(tmp_path / "map.png")
    return tmp_path / "map.png"


def along(network: str) -> dict[str, Any]:
    control = Control(image="map.png", kind=ControlKind.EDGES, network=network)
    return {"seed": 3, "control": control}


def levels(painted: JobPainted) -> Any:
    [picture] = painted.pictures
    return np.frombuffer(picture.data, np.uint8).astype(np.int16)


def test_it_is_planned_brought_to_a_card_and_given_up(
    folders: dict[str, Path],
    controls: ControlCatalogue,
    shown: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiny = model(folders["epsilon"], dtype="float32")
    plain = Harness(controls=controls)
    plain.run(RunJob(job(1, **along("one")), tiny, control=shown), jobs=1)
    [expected] = plain.of(JobPainted)

    monkeypatch.setattr(Device, "facts", lambda device, own_bytes=0: SMALL_CARD)
    monkeypatch.setattr(Device, "has_own_memory", property(lambda device: True))
    monkeypatch.setattr(offloading, "peak_bytes", lambda device: 50_000_000)
    monkeypatch.setattr(
        loading, "inspect", lambda *about: replace(inspect(*about), components=MODELS["sd"])
    )
    harness = Harness(controls=controls)
    names: list[tuple[str, ...]] = []

    def paint(number: int, network: str | None) -> None:
        commands = RunJob(job(number, seed=3), tiny)
        if network is not None:
            commands = RunJob(job(number, **along(network)), tiny, control=shown)
        harness.run(commands, jobs=1)
        harness.executor._stopping = False
        loaded: LoadedModel | None = harness.executor._model_cache.loaded
        assert loaded is not None
        names.append(tuple(n for n in loaded.memory.plan.places if n.startswith("controlnet")))

    paint(1, "one")
    paint(2, None)
    calls = break_times(monkeypatch, StableDiffusion, "denoise", 1)
    paint(3, "one")
    assert calls() > 1
    for number, network in enumerate(NAMES[1:], start=4):
        paint(number, network)
    assert not harness.of(JobFailed)
    assert names == [("controlnet.one",), (), ("controlnet.one",)] + [
        (f"controlnet.{name}",) for name in NAMES[1:]
    ]
    first, free, third, *others = [levels(painted) for painted in harness.of(JobPainted)]
    assert np.abs(first - levels(expected)).max() <= ONE_LEVEL
    assert np.abs(third - levels(expected)).max() <= ONE_LEVEL
    assert all(np.abs(first - other).max() > 10 for other in (free, *others))
    family: Any = harness.executor._loaded.family
    assert len(family._controls._loaded) == 2, "those used least recently leave RAM"


def test_one_that_cannot_be_loaded_fails_its_job_alone(
    folders: dict[str, Path], shown: Path, tmp_path: Path
) -> None:
    tiny = model(folders["epsilon"])
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{}")
    (tmp_path / "broken" / "diffusion_pytorch_model.safetensors").write_bytes(b"?")
    broken = ControlSettings(source=str(tmp_path / "broken"), family="sd", types=("edges",))
    harness = Harness(controls=ControlCatalogue({"broken": broken}))
    with torch.no_grad():
        harness.run(
            RunJob(job(1, **along("broken")), tiny, control=shown),
            RunJob(job(2), tiny),
            jobs=2,
        )
    [failed] = harness.of(JobFailed)
    assert (failed.job_id, "isn't a .safetensors file" in failed.sentence) == (1, True)
    assert harness.of(JobPainted, 2)
