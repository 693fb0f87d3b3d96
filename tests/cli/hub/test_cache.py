"""`hub cache`: what is there, and what needs it."""

import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from filelock import FileLock

from cli.exits import Exit
from tests.cli.conftest import Atelier
from tests.engine.hub.weights import save
from tests.guards.settings import everything, in_force
from tests.hub_server import HubServer

WITHOUT_FILES = ("discord", "storage", "limits", "engine")
"""The sections of the settings that name no files."""


@pytest.fixture
def filled(
    atelier: Atelier, server: HubServer, config: Callable[[str], Path], cache: Path, tmp_path: Path
) -> Path:
    """A LoRA that the bot needs, what other programs left, and a version on Civitai."""
    config(f"[engine]\ndevice = 'cpu'\nhub_url = '{server.endpoint}'\n")
    layer = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
    save(tmp_path / "ink" / "ink.safetensors", {f"{layer}.lora_down.weight": (8, 2048)})
    server.add("someone/ink", tmp_path / "ink")
    assert atelier("loras", "add", "someone/ink", "--yes").code is Exit.FINE
    (cache / "datasets--any--pictures" / "blobs").mkdir(parents=True)
    (cache / "datasets--any--pictures" / "blobs" / "a.incomplete").write_bytes(b"x" * 50_000)
    (cache / "civitai" / "7").mkdir(parents=True)
    (cache / "civitai" / "7" / "x.safetensors").write_bytes(b"x" * 100)
    return cache


def rows(said: str) -> list[str]:
    return [" ".join(line.split()) for line in said.splitlines()]


@pytest.mark.usefixtures("filled")
def test_the_list_says_what_needs_it(atelier: Atelier) -> None:
    said = rows(atelier("hub", "cache").out)
    assert said[:2] == [
        "name size last used needed by",
        "any/pictures (dataset, partly downloaded) 50 kB today",
    ]
    assert said[2].startswith("someone/ink 33 kB today LoRA ink")
    assert said[3].startswith("civitai:7 100 B today")
    assert said[4].endswith(" in all")


def test_removing_says_what_is_needed(
    atelier: Atelier, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = atelier("hub", "cache", "--remove", "someone/ink", "--yes")
    assert needed.code is Exit.MODEL
    assert "“someone/ink” is needed by LoRA ink." in needed.err
    monkeypatch.setattr("sys.stdin", StringIO("\n"))
    kept = atelier("hub", "cache", "--remove", "someone/ink")
    assert kept.code is Exit.INTERRUPTED
    assert "is needed by LoRA ink, and would be downloaded again." in kept.out
    assert "[y/N]" in kept.out
    assert (filled / "models--someone--ink").exists()
    gone = atelier("hub", "cache", "--remove", "any/pictures", "civitai:7", "--yes")
    assert gone.code is Exit.FINE, gone.err
    assert "✓ Removed any/pictures, freed 50 kB.\n" in gone.out
    assert not (filled / "datasets--any--pictures").exists()
    assert not (filled / "civitai" / "7").exists()
    assert "There's no “any/pictures”" in atelier("hub", "cache", "--remove", "any/pictures").err


def test_one_is_chosen_from_the_list(
    atelier: Atelier, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("9\n2 civitai:7\ny\n"))
    result = atelier("hub", "cache", "--remove")
    assert result.code is Exit.FINE, result.err
    assert "There's no “9” in the cache." in result.out
    assert "Remove someone/ink, civitai:7 (" in result.out
    assert [each.name for each in filled.iterdir() if "--" in each.name] == [
        "datasets--any--pictures"
    ]


def test_nothing_that_any_setting_names_is_deleted_without_asking(
    atelier: Atelier, config: Callable[[str], Path], cache: Path
) -> None:
    """Every setting of the example is in force; the file that one model also needs isn't there."""
    config(in_force().replace("h94/IP-Adapter/models", "h94/encoder/models"))
    sections = [each for name, each in everything().items() if name not in WITHOUT_FILES]
    named = {"h94/encoder", *re.findall(r"'([\w.-]+/[\w.-]+)", str(sections))}
    for each in named:
        (cache / f"models--{each.replace('/', '--')}" / "blobs").mkdir(parents=True)
    _, *shown, _ = rows(atelier("hub", "cache").out)
    assert len(shown) == len(named) > 15
    assert [row for row in shown if row.endswith(("never", "today"))] == []
    kept = atelier("hub", "cache", "--remove", "h94/encoder", "--yes")
    assert "is needed by [ip_adapters.plus-xl]." in kept.err


def test_what_is_being_downloaded_stays(atelier: Atelier, filled: Path) -> None:
    locks = filled / ".locks" / "datasets--any--pictures"
    locks.mkdir(parents=True)
    with FileLock(locks / "a.lock"):
        result = atelier("hub", "cache", "--remove", "any/pictures", "--yes")
    assert result.code is Exit.MODEL
    assert "“any/pictures” is being downloaded. Stop that first." in result.err


def test_a_model_and_a_dataset_of_one_name_are_told_apart(
    atelier: Atelier, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = filled / "datasets--someone--ink" / "blobs"
    other.mkdir(parents=True)
    (other / "a").write_bytes(b"x" * 60_000)
    listed = rows(atelier("hub", "cache").out)
    assert [row for row in listed if row.startswith("someone/ink")] == [
        "someone/ink (dataset) 60 kB today",
        "someone/ink 33 kB today LoRA ink",
    ]
    unclear = atelier("hub", "cache", "--remove", "someone/ink", "--yes")
    assert unclear.code is Exit.MODEL
    assert "There are several “someone/ink” in the cache. Choose by its number" in unclear.err
    monkeypatch.setattr("sys.stdin", StringIO("1\ny\n"))
    assert atelier("hub", "cache", "--remove").code is Exit.FINE
    assert not other.exists()
    assert (filled / "models--someone--ink").exists()


def test_what_is_foreign_is_left_out_and_a_link_frees_nothing(
    atelier: Atelier, filled: Path, tmp_path: Path
) -> None:
    (filled / "models--").mkdir()
    (filled / "models--a--gone").symlink_to(tmp_path / "nowhere")
    (filled / "civitai" / "12").write_text("not a folder")
    (tmp_path / "disk" / "blobs").mkdir(parents=True)
    (tmp_path / "disk" / "blobs" / "a").write_bytes(b"x" * 60_000)
    (filled / "models--a--linked").symlink_to(tmp_path / "disk")
    said = rows(atelier("hub", "cache").out)
    assert len(said) == 6
    assert said[1].startswith("a/linked 60 kB today")
    result = atelier("hub", "cache", "--remove", "a/linked", "--yes")
    assert "✓ Removed a/linked, freed 0 B.\n" in result.out, result.err
    assert (tmp_path / "disk" / "blobs" / "a").exists()
    assert not (filled / "models--a--linked").exists()
