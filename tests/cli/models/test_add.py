"""`models add`, `remove` and `verify`, against a loopback Hub."""

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from filelock import FileLock

from cli.exits import Exit
from engine import DeviceFacts
from engine.images.output import read_request
from tests.cli.conftest import Atelier
from tests.engine.hub.conftest import UNET
from tests.hub_server import Fault, HubServer, Repository

Config = Callable[[str], Path]


@pytest.fixture(autouse=True)
def _hub(
    config: Config, server: HubServer, fox: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings that lead to the loopback Hub, on a machine with a card of 8 GB."""
    config(f"[engine]\ndevice = 'cpu'\nhub_url = '{server.endpoint}'\n")
    card = DeviceFacts.imagined(8 * 10**9)
    monkeypatch.setattr("engine.models.probe.device_facts", lambda settings: card)


def listed(atelier: Atelier) -> str:
    """The line of the added model in the list, its columns one blank apart; empty without."""
    lines = atelier("models").out.splitlines()
    return next((" ".join(line.split()) for line in lines if line.startswith("+  ")), "")


def to_download(said: str) -> float:
    """What `add` says is still to come, in MB."""
    found = re.search(r"([\d.]+) (kB|MB) to download", said)
    assert found is not None
    return float(found[1]) / (1000 if found[2] == "kB" else 1)


def test_a_model_is_shown_then_added_then_listed(atelier: Atelier) -> None:
    result = atelier("models", "add", "someone/fox", "--yes")
    assert result.code is Exit.FINE, result.err
    said = " ".join(result.out.split())
    assert "fox: someone/fox family Stable Diffusion 1/2 (StableDiffusionPipeline)" in said
    assert "licence fox-1 (https://fox)" in said
    assert "to download" in said
    assert "plan everything on the device" in said
    assert "free on a card with 8 GB" in said
    assert result.out.endswith("✓ Added fox.\n")
    assert result.err == "Downloading someone/fox\n"
    assert listed(atelier).startswith("+ fox on disk ")
    again = atelier("models", "add", "someone/fox", "--yes", "--name", "vixen")
    assert "known as  fox, which has the same source" in again.out
    assert ", already on disk\n" in again.out


@pytest.mark.parametrize(("answer", "code"), [("y", Exit.FINE), ("n", Exit.INTERRUPTED)])
def test_it_asks_first(
    atelier: Atelier, monkeypatch: pytest.MonkeyPatch, answer: str, code: Exit
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(f"{answer}\n"))
    result = atelier("models", "add", "someone/fox")
    assert result.code is code
    assert "and add it as “fox”? [Y/n]" in result.out
    assert bool(listed(atelier)) == (code is Exit.FINE)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_ctrl_c_stops_and_the_next_time_goes_on(
    atelier: Atelier, cache: Path, fox: Repository
) -> None:
    fox.faults[UNET] = Fault(stall_after=100_000)

    def press() -> None:
        while not list(cache.rglob(f"{fox.files[UNET].etag}.incomplete")):
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    pressing = threading.Thread(target=press)
    pressing.start()
    stopped = atelier("models", "add", "someone/fox", "--yes")
    pressing.join()
    assert stopped.code is Exit.INTERRUPTED
    assert stopped.err.endswith(
        "✗ Stopped. What's downloaded is kept; run the same command to resume.\n"
    )
    assert listed(atelier) == ""
    fox.faults.clear()
    result = atelier("models", "add", "someone/fox", "--yes")
    assert result.code is Exit.FINE, result.err
    assert to_download(result.out) < to_download(stopped.out)
    assert listed(atelier).startswith("+ fox on disk ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["someone/nothing"], "The Hub has no public model “someone/nothing”"),
        (["someone/fox", "--revision", "v9"], "“someone/fox” has no such revision"),
        (["someone/fox", "--variant", "fp16"], "Missing: weights for the variant “fp16”"),
        (["someone/fox", "--name", "sketch"], "There's already a model named “sketch”"),
        (["fox.safetensors"], "“fox.safetensors” is neither a file nor a Hub ID"),
    ],
)
def test_what_cannot_be_added_is_told(
    atelier: Atelier, workplace: Path, arguments: list[str], sentence: str
) -> None:
    result = atelier("models", "add", "--yes", *arguments)
    assert result.code is Exit.MODEL
    assert sentence in result.err
    assert not (workplace / "data").exists()


def test_a_gate_is_told_at_once(atelier: Atelier, fox: Repository) -> None:
    fox.gated = True
    result = atelier("models", "add", "someone/fox", "--yes")
    assert result.code is Exit.MODEL
    assert "Accept its terms at https://huggingface.co/someone/fox" in result.err


def test_removing_asks_and_tells_what_it_freed(
    atelier: Atelier, workplace: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    atelier("models", "add", "someone/fox", "--yes")
    monkeypatch.setattr("sys.stdin", StringIO("n\n"))
    kept = atelier("models", "remove", "fox")
    assert kept.code is Exit.INTERRUPTED
    assert "Remove “fox”? It takes up " in kept.out
    with FileLock(workplace / "data" / "atelier.lock"):
        result = atelier("models", "remove", "fox", "--yes")
    assert result.out.startswith("✓ Removed fox, freed ")
    assert result.out.endswith(" MB.\nThe running bot picks this up within a few seconds.\n")
    assert not list(cache.glob("models--*"))
    assert listed(atelier) == ""
    again = atelier("models", "remove", "fox", "--yes")
    assert again.code is Exit.MODEL
    assert "There's no model “fox”" in again.err


def test_damage_is_found(atelier: Atelier, cache: Path) -> None:
    atelier("models", "add", "someone/fox", "--yes")
    fine = atelier("models", "verify")
    assert fine.code is Exit.FINE
    assert re.fullmatch(r"✓ sketch: \d+ MB\n✓ fox: [\d.]+ MB\n", fine.out)
    [weights] = cache.glob(f"models--someone--fox/snapshots/*/{UNET}")
    blob = weights.resolve()
    blob.write_bytes(blob.read_bytes()[:-1])
    result = atelier("models", "verify", "fox")
    assert result.code is Exit.MODEL
    assert result.out.startswith("✗ fox: ")
    assert "should have" in result.out
    assert result.err.startswith("✗ Damaged or incomplete: fox. “models add” with")
    assert atelier("models", "add", "fox", "--yes").out == "✓ fox is on disk.\n"
    assert atelier("models", "verify", "fox").code is Exit.FINE


def test_what_is_not_there_is_not_damaged(atelier: Atelier, config: Config) -> None:
    config("[models.away]\nsource = 'someone/away'\n[models.gone]\nsource = './gone'")
    result = atelier("models", "verify")
    assert "- away: not downloaded\n" in result.out
    assert "✗ gone: “./gone” is neither a folder nor a Hub ID" in result.out
    assert result.err.startswith("✗ Damaged or incomplete: gone. ")


def test_the_name_of_a_configured_model_downloads_it(
    atelier: Atelier, config: Config, server: HubServer
) -> None:
    config(f"[engine]\nhub_url = '{server.endpoint}'\n[models.vixen]\nsource = 'someone/fox'")
    result = atelier("models", "add", "vixen")
    assert result.code is Exit.FINE, result.err
    assert result.out == "✓ vixen is on disk.\n"
    assert "vixen on disk 1.3 MB" in " ".join(atelier("models").out.split())


@pytest.mark.slow  # they import torch and paint
def test_the_other_commands_know_an_added_model(
    atelier: Atelier, tiny_model: Path, workplace: Path
) -> None:
    atelier("models", "add", str(tiny_model), "--yes", "--name", "guest")
    options = "--model guest --width 256 --height 256 --steps 1 --seed 3 --out pots"
    result = atelier("imagine", "fish", *options.split())
    assert result.code is Exit.FINE, result.err
    assert read_request(workplace / "pots" / "fish-3.png").model == "guest"
    assert "✓ model     guest: on disk, " in atelier("check").out
