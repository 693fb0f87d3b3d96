"""`models`: what is configured and what is on disk, told without a network."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.cli.conftest import Atelier

Config = Callable[[str], Path]


def make_model(folder: Path, *, weights: str | None = "model.safetensors") -> None:
    """A folder in the Diffusers layout, with a UNet, a scheduler and an optional part left out."""
    index = {
        "_class_name": "StableDiffusionPipeline",
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "unet": ["diffusers", "UNet2DConditionModel"],
    }
    for part in ("unet", "scheduler"):
        (folder / part).mkdir(parents=True)
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "scheduler" / "scheduler_config.json").write_text("{}")
    (folder / "unet" / "config.json").write_text("{}")
    if weights:
        weight = torch.zeros(1_500_000, dtype=torch.uint8)
        save_file({"weight": weight}, folder / "unet" / weights)


def rows(text: str) -> dict[str, str]:
    """The lines of the table, by the model's name."""
    lines = [line.lstrip("* ") for line in text.splitlines()[1:-1]]
    return {line.split()[0]: " ".join(line.split()[1:]) for line in lines}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Hugging Face cache of our own."""
    cache = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    return cache


def cached(hub: Path, source: str) -> Path:
    """The folder in which the cache keeps the main revision of `source`."""
    repository = hub / f"models--{source.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("c0ffee")
    return repository / "snapshots" / "c0ffee"


def test_sketch_is_always_there_and_the_default_is_marked(
    atelier: Atelier, config: Config, hub: Path
) -> None:
    config("[engine]\ndefault_model = 'fox'\n[models.fox]\nsource = 'someone/fox'\nwidth = 640")
    lines = atelier("models").out.splitlines()
    assert lines[1].startswith("   sketch  ")
    assert lines[1].split()[-2:] == ["built", "in"]
    assert " ".join(lines[2].split()) == (
        "* fox not downloaded 640×512, 25 steps, guidance 7, default someone/fox"
    )


def test_folders_and_the_cache_are_looked_into(
    atelier: Atelier, config: Config, workplace: Path, hub: Path
) -> None:
    make_model(workplace / "whole")
    make_model(workplace / "half", weights=None)
    make_model(cached(hub, "someone/here"))
    make_model(cached(hub, "someone/cut"), weights=None)
    config(
        "[models.a]\nsource = 'whole'\n[models.b]\nsource = 'half'\n"
        "[models.c]\nsource = 'someone/here'\n[models.d]\nsource = 'someone/cut'\n"
        "[models.e]\nsource = 'someone/away'\n[models.f]\nsource = './gone'\n"
        "[models.g]\nsource = 'whole'\nvariant = 'fp16'"
    )
    table = rows(atelier("models").out)
    assert table["a"].startswith("on disk 1.5 MB ")
    assert table["a"].endswith(str(workplace / "whole"))
    assert table["b"].startswith("incomplete ")
    assert table["c"].startswith("on disk 1.5 MB ")
    assert table["c"].endswith("someone/here")
    assert table["d"].startswith("partly downloaded ")
    assert table["e"].startswith("not downloaded ")
    assert table["f"].startswith("folder not found ")
    assert table["g"].startswith("incomplete ")


def test_a_variant_of_the_weights_counts(atelier: Atelier, config: Config, workplace: Path) -> None:
    make_model(workplace / "half", weights="model.fp16.safetensors")
    config("[models.a]\nsource = 'half'\nvariant = 'fp16'")
    assert "on disk" in rows(atelier("models").out)["a"]
