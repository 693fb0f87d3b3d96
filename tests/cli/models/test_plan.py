"""`models plan`: for a card that is not here, before download, and without torch."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.exits import Exit
from cli.models.plan_text import show_plan
from engine.memory.device import DeviceFacts
from engine.memory.plan_request import PlanRequest
from engine.memory.plan_table import tabulate
from engine.models.checkpoints import CHECKPOINTS
from engine.models.families import FAMILIES
from engine.models.known_components import known_components
from engine.sizes import parse_bytes
from tests.cli.conftest import Atelier
from tests.engine.memory.models import MODELS
from tests.hub_server import HubServer, Repository

BOT = Path(__file__).parents[3] / "bot.py"


def test_a_plan_is_printed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    card = DeviceFacts.imagined(parse_bytes("8GB"))
    sdxl = FAMILIES["sdxl"]
    show_plan(
        tabulate(
            PlanRequest(
                components=MODELS["sdxl"],
                family=sdxl,
                device=card,
                width=sdxl.side,
                height=sdxl.side,
            )
        )
    )
    said = capsys.readouterr().out
    for name in ("text_encoder_2", "unet", "vae"):
        assert name in said
    assert "5.1 GB" in said, "the UNet's size"
    assert "7.4 GB free on a card with 8 GB" in said
    assert "with everything on the device" in said
    assert re.search(r"faster plan +time +why\b", said)
    assert "needs 16.4 GB to decode; only 7.4 GB free" in said
    assert "An fp16-safe VAE" in said


def test_a_source_on_the_hub_is_planned_before_download(
    atelier: Atelier,
    config: Callable[[str], Path],
    workplace: Path,
    cache: Path,
    server: HubServer,
    fox: Repository,
) -> None:
    config(f"[engine]\nhub_url = '{server.endpoint}'")
    result = atelier("models", "plan", "someone/fox", "--vram", "600MB", "--size", "1024x512")
    assert result.code is Exit.DOES_NOT_FIT, result.err
    assert "free on a card with 0.6 GB" in result.out
    assert result.out.startswith("✗ Does not fit. No plan fits. Even the leanest needs")
    larger = atelier("models", "plan", "someone/fox", "--vram", "8GB", "--batch", "2")
    assert "Plan: everything on the device, in batches of up to 2." in larger.out
    assert not cache.exists(), "nothing was downloaded"
    assert not (workplace / "data").exists()


@pytest.mark.slow
def test_a_card_that_is_not_here_needs_no_torch() -> None:
    line = ["models", "plan", "sketch", "--vram", "8GB", "--quantize", "if_needed"]
    code = (
        f"import bot, sys\ntry:\n    bot.main({line!r})\n"
        "except SystemExit as end:\n    print(end.code, 'torch' in sys.modules)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=BOT.parent, capture_output=True, text=True, check=True
    )
    assert "Plan: everything on the device" in process.stdout
    assert process.stdout.splitlines()[-1] in ("0 False", "None False")


def test_a_checkpoint_of_the_table_is_planned_without_the_hub(
    atelier: Atelier, cache: Path, monkeypatch: pytest.MonkeyPatch, config: Callable[[str], Path]
) -> None:
    config("[engine]\nhub_url = 'http://127.0.0.1:9'")
    source = "black-forest-labs/FLUX.1-schnell"
    result = atelier("models", "plan", source, "--vram", "12GB")
    assert result.code is Exit.FINE, result.err
    assert "RAM: 33.7 GB." in result.out
    assert "Disk: 33.7 GB, 33.7 GB to download." in result.out
    assert "Atelier's own table" in result.out
    for ram, free in (("16GB", "14.0 GB"), ("32GB", "30.0 GB")):
        short = atelier("models", "plan", source, "--vram", "24GB", "--ram", ram)
        assert short.code is Exit.DOES_NOT_FIT
        assert f"Does not fit. The weights need 33.7 GB of RAM; only {free} free." in short.out
        assert f"RAM: 33.7 GB of {free} free." in short.out
    enough = atelier("models", "plan", source, "--vram", "24GB", "--ram", "64GB")
    assert enough.code is Exit.FINE
    gone = atelier("models", "plan", "someone/fox", "--vram", "12GB")
    assert gone.code is Exit.MODEL


@pytest.mark.parametrize("source", CHECKPOINTS)
def test_every_checkpoint_of_the_table_has_its_components(source: str) -> None:
    components = known_components(source)
    if (family := CHECKPOINTS[source].family) is None and components is None:
        return  # of some that run whole the sizes aren't known
    assert components
    names = {each.name for each in components}
    if family is not None:
        facts = FAMILIES[family]
        assert {*facts.text_encoders, facts.denoiser, "vae"} <= names
    size = sum(each.parameters for each in components)
    if download := CHECKPOINTS[source].download_bytes:
        assert 1.9 < download / size < 4.2, "two to four bytes for each"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["sketch", "--ram", "16GB"], Exit.USAGE, "--ram: add --vram, the card beside it."),
        (["sketch", "--vram", "8GB", "--ram", "lots"], Exit.USAGE, "--ram: “lots” isn't a memory"),
        (["sketch", "--vram", "much"], Exit.USAGE, "--vram: “much” isn't a memory size"),
        (["sketch", "--size", "12"], Exit.USAGE, "--size: “12” isn't a size. Write it like"),
        (
            ["sketch", "--quantize", "no"],
            Exit.USAGE,
            "--quantize: “no” is unknown. Use one of never, ",
        ),
        (["scetch", "--vram", "8GB"], Exit.MODEL, "There's no model “scetch”. Did you mean"),
        (["gone.gguf", "--vram", "8GB"], Exit.MODEL, "“gone.gguf” is neither a file nor a Hub ID"),
    ],
)
def test_what_is_not_understood_is_told(
    atelier: Atelier, arguments: list[str], code: Exit, sentence: str
) -> None:
    result = atelier("models", "plan", *arguments)
    assert result.code is code
    assert sentence in result.err


def test_a_card_of_another_maker_and_a_mac_are_planned(atelier: Atelier, config: object) -> None:
    line = ("models", "plan", "Lykon/dreamshaper-8", "--vram", "16GB", "--device")
    for kind, name in {"xpu": "an Intel card with 16 GB", "mps": "a Mac with 16 GB"}.items():
        result = atelier(*line, kind)
        assert result.code is Exit.FINE
        assert f"free on {name}." in result.out
    for arguments, reason in (
        ((*line, "tpu"), "Use one of cuda, xpu, mps."),
        ((*line, "mps", "--ram", "8GB"), "the memory of mps is RAM"),
        (("models", "plan", "sketch", "--device", "xpu"), "add --vram"),
    ):
        result = atelier(*arguments)
        assert result.code is Exit.USAGE
        assert reason in result.err
