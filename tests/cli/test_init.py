"""`init`, on a terminal of its own."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cli.exits import Exit
from cli.settings import load_settings
from engine import DeviceFacts, EngineSettings
from engine.models.suggestions import suggest_models
from tests.cli.conftest import TOKEN, Atelier

BOT = Path(__file__).parents[2] / "bot.py"

on_a_terminal = pytest.mark.skipif(sys.platform == "win32", reason="it takes a pseudo-terminal")

ANSWERS = (
    ("Bot token", "the client secret"),
    ("Bot token", TOKEN),
    ("roles", "the admins"),
    ("roles", "12, 34"),
    ("Folder", 'my "pots"'),
    ("Device", "gpu"),
    ("Device", "auto"),
    ("Offload", "resident"),
    ("Model", "999"),
    ("Model", "Lykon/dreamshaper-8"),
)


def converse(answers: Sequence[tuple[str, str]], *arguments: str) -> tuple[int, str]:
    """Call `init` on a terminal and answer each question when it is asked.

    Args:
        answers: What the question contains, and the answer to it, in turn.
        arguments: What else is on the command line.

    Returns:
        The exit code, and everything that was on the screen.
    """
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, BOT, "init", *arguments],
        preexec_fn=lambda: os.login_tty(theirs),
        env=os.environ | {"TERM": "dumb"},
    )
    os.close(theirs)
    screen, seen = "", 0
    with os.fdopen(ours, "r+b", buffering=0) as terminal:
        for question, answer in answers:
            while not (screen.endswith(": ") and question in screen[seen:]):
                screen += terminal.read(1024).decode()
            seen = len(screen)
            terminal.write(answer.encode() + b"\n")
        try:
            while data := terminal.read(1024):
                screen += data.decode()
        except OSError:
            pass  # Linux's way to say that the other side has closed
    return process.wait(30), screen


@on_a_terminal
def test_what_init_writes_is_what_is_read(workplace: Path) -> None:
    code, screen = converse(ANSWERS)
    assert code == Exit.FINE
    assert TOKEN not in screen
    settings = load_settings(None)
    assert settings.discord.token is not None
    assert settings.discord.token.get_secret_value() == TOKEN
    assert settings.discord.admin_roles == (12, 34)
    assert settings.storage.path == workplace / 'my "pots"'
    assert (settings.engine.device, settings.engine.offload) == ("auto", "resident")
    assert settings.models[settings.engine.default_model].source == "Lykon/dreamshaper-8"
    assert (workplace / "config.toml").stat().st_mode & 0o777 == 0o600


@on_a_terminal
def test_empty_answers_keep_the_defaults(workplace: Path) -> None:
    before = load_settings(None)
    answers = [("token", ""), ("roles", ""), ("Folder", ""), ("Device", "cpu"), ("Model", "")]
    code, _ = converse(answers, "--config", "conf/mine.toml")
    assert code == Exit.FINE
    after = load_settings(Path("conf/mine.toml"))
    assert after.model_dump(exclude={"storage", "engine"}) == before.model_dump(
        exclude={"storage", "engine"}
    )
    assert after.engine == before.engine.model_copy(update={"device": "cpu"})
    assert after.storage.path == workplace / "conf" / "data"


@on_a_terminal
def test_a_file_is_replaced_only_after_a_question(workplace: Path) -> None:
    file = workplace / "config.toml"
    file.write_text("# precious")
    code, screen = converse([("Replace it?", "n")])
    assert code == Exit.INTERRUPTED
    assert "✗ Nothing was written." in screen
    assert file.read_text() == "# precious"
    code, _ = converse([("Replace it?", "y"), *ANSWERS])
    assert code == Exit.FINE
    assert file.stat().st_mode & 0o777 == 0o600


def test_without_a_terminal_init_says_what_to_do(
    atelier: Atelier, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        result = atelier("init")
    assert result.code is Exit.USAGE
    assert result.err == (
        "✗ init asks questions, so it needs a terminal. Without one, add --yes to keep the "
        "defaults, and set DISCORD_TOKEN.\n"
    )
    assert not list(workplace.iterdir())


def test_without_questions_what_is_given_is_written(atelier: Atelier, workplace: Path) -> None:
    line = (
        "init",
        "--yes",
        "--device",
        "cpu",
        "--folder",
        "pots",
        "--model",
        "Lykon/dreamshaper-8",
    )
    assert atelier(*line).code is Exit.FINE
    settings = load_settings(None)
    assert settings.storage.path == workplace / "pots"
    assert settings.models[settings.engine.default_model].source == "Lykon/dreamshaper-8"
    result = atelier("init", "--yes")
    assert result.code is Exit.USAGE
    assert result.err == "✗ config.toml already exists. Add --force to replace it.\n"
    assert atelier("init", "--yes", "--force", "--device", "cpu").code is Exit.FINE
    assert load_settings(None).engine.default_model == "sketch"


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["--model", "~nobody-here/x"], Exit.USAGE, "is neither a folder nor a Hub ID"),
        (["--model", "3"], Exit.USAGE, "isn't in the list"),
        (["--device", "gpu"], Exit.USAGE, "Enter one of auto, cuda, xpu, mps, cpu."),
        (["--folder", "f" * 300], Exit.USAGE, "can't be used: File name too long."),
        (["--config", "f" * 300], Exit.STORAGE, "can't be written: File name too long."),
        (["--config", "file/config.toml"], Exit.STORAGE, "file isn't a folder."),
        (["--config", "."], Exit.STORAGE, "it isn't a file."),
    ],
)
def test_what_cannot_be_used_is_told_first(
    atelier: Atelier, workplace: Path, arguments: list[str], code: Exit, reason: str
) -> None:
    (workplace / "file").touch()
    result = atelier("init", "--yes", *arguments)
    assert result.code is code
    assert result.err.startswith("✗ ")
    assert reason in result.err
    assert [file.name for file in workplace.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("vram", "ram", "first"),
    [
        (24e9, 60e9, "Tongyi-MAI/Z-Image-Turbo"),
        (12e9, 12e9, "SG161222/RealVisXL_V5.0_Lightning"),
        (6e9, 12e9, "Lykon/dreamshaper-8"),
        (1e9, 12e9, None),
        (24e9, 1e9, None),
    ],
)
def test_the_best_models_that_fit_are_suggested(vram: float, ram: float, first: str | None) -> None:
    card = DeviceFacts.imagined(int(vram), ram_free_bytes=int(ram))
    found = suggest_models(card, EngineSettings(), free_disk=int(100e9))
    assert (found[0].source if found else None) == first
    assert all(each.licence and each.ram_bytes <= ram for each in found)
    assert suggest_models(card, EngineSettings(), free_disk=int(1e9)) == []
