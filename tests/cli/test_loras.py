"""`loras add`, `list` and `remove`, against a loopback Civitai."""

import asyncio
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest

from cli.exits import Exit
from engine import ModelSettings
from engine.store import Database, ModelTable
from tests.civitai_server import CivitaiServer, Version
from tests.cli.conftest import Atelier
from tests.engine.hub.weights import save
from tests.hub_server import HubServer

Config = Callable[[str], Path]

LAYER = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"


@pytest.fixture
def civitai(
    config: Config,
    server: HubServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[CivitaiServer]:
    """Settings that lead to it, with a LoRA for SDXL: civitai:5."""
    monkeypatch.delenv("CIVITAI_TOKEN", raising=False)
    with CivitaiServer() as civitai:
        config(
            f"[engine]\ndevice = 'cpu'\ncivitai_url = '{civitai.endpoint}'\n"
            "[adapters.mine]\nsource = 'mine.safetensors'\n"
        )
        yield civitai


@pytest.fixture
def ink(civitai: CivitaiServer, tmp_path: Path) -> Version:
    file = save(tmp_path / "ink.safetensors", {f"{LAYER}.lora_down.weight": (8, 2048)})
    return civitai.add(Version(5, file.read_bytes(), base_model="SDXL 1.0"))


@pytest.mark.usefixtures("ink")
def test_a_lora_is_shown_added_listed_and_removed(atelier: Atelier) -> None:
    result = atelier("loras", "add", "civitai:5", "--yes", "--weight", "0.8")
    assert result.code is Exit.FINE, result.err
    said = " ".join(result.out.split())
    assert said.startswith("fox-v1.0: civitai:5 title Fox v1.0 family Stable Diffusion XL licence")
    assert "licence Civitai, selling pictures allowed: its author allows selling pictures" in said
    assert "kB to download words foxx, red fur" in said
    assert result.out.endswith("✓ Added fox-v1.0.\n")
    [added, mine] = [" ".join(line.split()) for line in atelier("loras").out.splitlines()[1:3]]
    assert added.startswith("+ fox-v1.0 Stable Diffusion XL 33 kB foxx, red fur civitai:5")
    assert mine.startswith("mine file not found mine.safetensors")
    removed = atelier("loras", "remove", "fox-v1.0", "--yes")
    assert removed.out.startswith("✓ Removed fox-v1.0, freed ")
    assert atelier("loras", "remove", "fox-v1.0", "--yes").code is Exit.MODEL


@pytest.mark.usefixtures("ink")
def test_it_asks_first(atelier: Atelier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("n\n"))
    result = atelier("loras", "add", "civitai:5")
    assert result.code is Exit.INTERRUPTED
    assert "and add it as “fox-v1.0”? [Y/n]" in result.out
    assert "fox-v1.0" not in atelier("loras").out


@pytest.mark.usefixtures("config")
def test_the_owners_own_file_stays_and_what_is_not_there_is_not_asked_about(
    atelier: Atelier, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = save(workplace / "own.safetensors", {f"{LAYER}.lora_down.weight": (8, 2048)})
    assert "put files into" in atelier("loras").out
    assert atelier("loras", "add", str(file), "--yes").code is Exit.FINE
    removed = atelier("loras", "remove", "own", "--yes")
    assert removed.out.splitlines()[:2] == ["✓ Removed own.", f"Your own file stays: {file}"]
    result = atelier("loras", "remove", "own")
    assert (result.code, "Remove" in result.out) == (Exit.MODEL, False)


def test_what_cannot_be_had_is_told(atelier: Atelier, ink: Version) -> None:
    ink.name, ink.form = "ink.ckpt", "PickleTensor"
    result = atelier("loras", "add", "civitai:5", "--yes")
    assert result.code is Exit.MODEL
    assert "is a pickle (ink.ckpt)" in result.err
    assert "is in the settings file" in atelier("loras", "remove", "mine", "--yes").err


@pytest.mark.usefixtures("ink")
def test_a_stored_model_that_no_longer_goes_does_not_stop_the_loras_and_models_keep_their_files(
    atelier: Atelier, config: Config, civitai: CivitaiServer, workplace: Path, cache: Path
) -> None:
    config(
        f"[engine]\ndevice = 'cpu'\ncivitai_url = '{civitai.endpoint}'\n"
        "[models.same]\nsource = 'civitai:5'\n"
    )
    assert atelier("loras", "add", "civitai:5", "--yes", "--name", "ink").code is Exit.FINE

    async def store() -> None:
        async with Database(workplace / "data" / "atelier.db") as database:
            broken = ModelSettings(source="owner/name", min_side=1024, max_side=512)
            await ModelTable(database).save("broken", broken)

    asyncio.run(store())
    assert "ink" in atelier("loras").out
    assert "ink" in atelier("hub", "cache").out
    removed = atelier("loras", "remove", "ink", "--yes")
    assert removed.out.startswith("✓ Removed ink.\n"), removed.err
    assert list((cache / "civitai" / "5").glob("*.safetensors"))
