"""`run`: how it starts without what it needs, and how it ends."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from discord.http import Route

from cli.exits import Exit
from cli.logs import start_logging
from cli.signals import on_signal
from tests.cli.conftest import TOKEN, Atelier

BOT = Path(__file__).parents[2] / "bot.py"


@contextmanager
def discord_that(answers: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A Discord with one answer to everything; its API's address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/api/v10"
        server.shutdown()


class Refusing(BaseHTTPRequestHandler):
    """Knows no token."""

    def do_GET(self) -> None:
        body = b'{"message": "401: Unauthorized", "code": 0}'
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


class Silent(Refusing):
    """Answers nothing until the client hangs up."""

    asked = threading.Event()

    def do_GET(self) -> None:
        self.asked.set()
        self.rfile.read(1)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A token in the environment, and discord.py's own address as it was afterwards."""
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    return monkeypatch


@pytest.mark.parametrize("command", [(), ("run",)])
def test_without_a_token_five_lines_say_how_to_get_one(
    atelier: Atelier, command: tuple[str, ...], workplace: Path
) -> None:
    result = atelier(*command)
    assert result.code is Exit.TOKEN
    assert len(result.err.splitlines()) == 5
    assert "https://discord.com/developers/applications" in result.err
    assert "DISCORD_TOKEN" in result.err
    assert not list(workplace.iterdir())


@pytest.mark.slow
def test_a_refused_token_is_told_in_a_sentence_and_never_shown(
    atelier: Atelier, api: pytest.MonkeyPatch
) -> None:
    with discord_that(Refusing) as address:
        api.setenv("ATELIER_DISCORD__API_URL", address)
        result = atelier("run")
    assert result.code is Exit.TOKEN
    assert result.err.splitlines()[-1] == (
        "✗ Discord rejected the token. Create a new one with Reset Token on the Bot page at "
        "https://discord.com/developers/applications."
    )
    assert "Traceback" not in result.err
    assert TOKEN not in result.err


@pytest.mark.slow
def test_a_discord_that_is_not_there(atelier: Atelier, api: pytest.MonkeyPatch) -> None:
    with discord_that(Refusing) as address:
        api.setenv("ATELIER_DISCORD__API_URL", address)
    port = int(address.rpartition(":")[2].partition("/")[0])

    def come_back() -> None:
        with ThreadingHTTPServer(("127.0.0.1", port), Refusing) as server:
            server.timeout = 30
            for _ in range(2):  # the try to connect, and the login
                server.handle_request()

    later = threading.Timer(6, come_back)
    later.start()
    result = atelier("run")
    later.join()
    assert result.code is Exit.TOKEN, "it waited, and then asked"
    assert f"Can't reach Discord (127.0.0.1:{port})" in result.err
    assert "Trying again in 2 seconds" in result.err


@pytest.mark.parametrize("token", ["hidden-words", "a.b", "client-secret-of-32-characters-xx"])
def test_what_cannot_be_a_token_is_told_at_once(
    atelier: Atelier, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", token)
    result = atelier("run")
    assert result.code is Exit.TOKEN
    assert "This isn't a bot token" in result.err
    assert token not in result.err or token == "a.b"


@pytest.mark.slow
def test_a_data_folder_that_cannot_be_used(
    atelier: Atelier, api: pytest.MonkeyPatch, workplace: Path
) -> None:
    (workplace / "data").write_text("")
    result = atelier("run")
    assert result.code is Exit.STORAGE
    assert result.err.splitlines()[-1].startswith(f"✗ The folder {workplace / 'data'} can't be")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM there")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(api: pytest.MonkeyPatch, number: signal.Signals) -> None:
    Silent.asked.clear()
    with discord_that(Silent) as address:
        api.setenv("ATELIER_DISCORD__API_URL", address)
        process = subprocess.Popen([sys.executable, BOT], stderr=subprocess.PIPE, text=True)
        assert Silent.asked.wait(60)
        process.send_signal(number)
        _, told = process.communicate(timeout=30)
    assert process.returncode == Exit.FINE, told
    assert told.endswith("Stopped\n")
    assert "Traceback" not in told


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP there")
def test_a_hangup_while_it_starts_is_heard_once_it_can_be(api: pytest.MonkeyPatch) -> None:
    Silent.asked.clear()
    with discord_that(Silent) as address:
        api.setenv("ATELIER_DISCORD__API_URL", address)
        before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup` may have had it ignored
        process = subprocess.Popen([sys.executable, BOT], stderr=subprocess.PIPE, text=True)
        signal.signal(signal.SIGHUP, before)
        assert process.stderr is not None
        assert "Starting" in process.stderr.readline()
        process.send_signal(signal.SIGHUP)
        assert Silent.asked.wait(60)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=30)
    assert process.returncode == Exit.FINE, told
    assert "Settings reloaded" in told


STUBBORN = """
import asyncio, time
from cli.signals import on_signal

async def main():
    with on_signal(lambda: print("asked", flush=True)):
        print("ready", flush=True)
        await asyncio.to_thread(time.sleep, 60)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM there")
def test_a_second_signal_ends_it_at_once_whatever_its_threads_do() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN],
        cwd=BOT.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == Exit.INTERRUPTED


@pytest.mark.skipif(sys.platform == "win32", reason="os.kill does not send signals there")
async def test_a_loop_without_signal_handlers_is_served_by_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", refuse)
    before = signal.getsignal(signal.SIGTERM)
    asked = asyncio.Event()
    with on_signal(asked.set):
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(asked.wait(), 5)
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_log_keeps_secrets_even_in_tracebacks(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(logging.INFO, ["s3cret"])
    try:
        raise ValueError("the token s3cret is wrong")
    except ValueError:
        logging.getLogger("somewhere").exception("Trying %s", "s3cret")
    told = capsys.readouterr().err
    assert "somewhere: Trying [secret]" in told
    assert "ValueError: the token [secret] is wrong" in told
    assert "s3cret" not in told
