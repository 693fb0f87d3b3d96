"""`init`, on a terminal of its own."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from select import select

import pytest

from cli.exits import Exit
from cli.settings import load_settings
from tests.discord_server import DiscordServer

BOT = Path(__file__).parents[3] / "bot.py"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="it takes a pseudo-terminal"),
]

CTRL_C = "\x03"


def converse(answers: Sequence[tuple[str, str]], *arguments: str) -> tuple[int, str]:
    """Call `init` on a terminal and answer each question when it is asked.

    Args:
        answers: What the question contains, and the answer to it, in turn.
        arguments: What else is on the command line.

    Returns:
        The exit code, and everything that was on the screen.
    """
    ours, theirs = os.openpty()

    def enter() -> None:
        os.login_tty(theirs)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs ignore it

    process = subprocess.Popen(
        [sys.executable, BOT, "init", *arguments],
        preexec_fn=enter,
        env=os.environ | {"TERM": "dumb"},
    )
    os.close(theirs)
    screen, seen = "", 0
    with os.fdopen(ours, "r+b", buffering=0) as terminal:
        for question, answer in answers:
            while not (screen.endswith(": ") and question in screen[seen:]):
                screen += terminal.read(1024).decode()
            seen = len(screen)
            terminal.write(answer.encode() + (b"" if answer == CTRL_C else b"\n"))
        try:
            while True:
                # One that comes just before the program reads doesn't wake it.
                again = answers[-1][1] == CTRL_C and "Nothing was written." not in screen
                if again and not select([terminal], [], [], 5.0)[0]:
                    terminal.write(CTRL_C.encode())
                elif data := terminal.read(1024):
                    screen += data.decode()
                else:
                    break
        except OSError:
            pass  # Linux's way to say that the other side has closed
    return process.wait(30), screen


async def test_what_is_answered_is_tried_and_written(
    workplace: Path, discord: DiscordServer
) -> None:
    answers = (
        ("Bot token", "the client secret"),
        ("Bot token", discord.token + "x"),
        ("Bot token", discord.token),
        ("roles", "the admins"),
        ("roles", "12, 34"),
        ("Folder", 'my "pots"'),
        ("Model", "999"),
        ("Model", "Lykon/dreamshaper-8"),
    )
    with discord.expecting(401):
        code, screen = await asyncio.to_thread(converse, answers, "--device", "cpu", "--no-service")
    assert code == Exit.FINE, screen
    assert discord.token not in screen
    for line in (
        "This isn't a bot token.",
        "Discord rejected the token.",
        "✓ The token is that of atelier.",
        "IDs are numbers.",
        "✓ device    the CPU",
        "That number isn't in the list.",
        "Licence: ",
        f"client_id={discord.application_id}&",
        "models add dreamshaper-8",
    ):
        assert line in screen
    settings = load_settings(None)
    assert settings.discord.token is not None
    assert settings.discord.token.get_secret_value() == discord.token
    assert settings.discord.admin_roles == (12, 34)
    assert settings.storage.path == workplace / 'my "pots"'
    assert settings.engine.device == "cpu"
    assert settings.models[settings.engine.default_model].source == "Lykon/dreamshaper-8"
    file = workplace / "config.toml"
    assert file.stat().st_mode & 0o777 == 0o600
    assert os.listdir(workplace) == [file.name]


def test_empty_answers_keep_the_defaults(workplace: Path) -> None:
    before = load_settings(None)
    answers = [("token", ""), ("roles", ""), ("Folder", ""), ("Model", "sketch")]
    code, screen = converse(answers, "--config", "conf/mine.toml")
    assert code == Exit.FINE
    assert "ervice" not in screen, "it would have no token"
    assert "write it to conf/mine.toml as [discord] token" in screen
    assert "bot.py --config conf/mine.toml check" in screen
    after = load_settings(Path("conf/mine.toml"))
    assert after.model_dump(exclude={"storage"}) == before.model_dump(exclude={"storage"})
    assert after.storage.path == workplace / "conf" / "data"


@pytest.mark.parametrize("last", [("Replace it?", "n"), ("roles", CTRL_C), ("Model", CTRL_C)])
def test_who_stops_halfway_has_what_was_there(workplace: Path, last: tuple[str, str]) -> None:
    file = workplace / "config.toml"
    file.write_text("# precious")
    answers = [("Replace it?", "y"), ("token", ""), ("roles", ""), ("Folder", ""), ("Model", "")]
    until = next(number for number, (question, _) in enumerate(answers) if question == last[0])
    code, screen = converse([*answers[:until], last])
    assert code == Exit.INTERRUPTED
    assert "✗ Nothing was written." in screen
    assert file.read_text() == "# precious"
    assert list(workplace.iterdir()) == [file]
