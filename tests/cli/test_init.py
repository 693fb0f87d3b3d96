"""`init`, on a terminal of its own."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cli.exits import Exit
from cli.settings import load_settings
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
    ("Device", "cuda"),
    ("Offload", "resident"),
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
    assert (settings.engine.device, settings.engine.offload) == ("cuda", "resident")
    assert (workplace / "config.toml").stat().st_mode & 0o777 == 0o600


@on_a_terminal
def test_empty_answers_keep_the_defaults(workplace: Path) -> None:
    before = load_settings(None)
    answers = [("token", ""), ("roles", ""), ("Folder", ""), ("Device", ""), ("Offload", "")]
    code, _ = converse(answers, "--config", "conf/mine.toml")
    assert code == Exit.FINE
    after = load_settings(Path("conf/mine.toml"))
    assert after.model_dump(exclude={"storage"}) == before.model_dump(exclude={"storage"})
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
        "✗ init asks questions, so it needs a terminal. Without one, copy "
        "config.example.toml to config.toml and edit it, or set DISCORD_TOKEN.\n"
    )
    assert not list(workplace.iterdir())
