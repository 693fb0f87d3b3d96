"""`init` without a terminal: what isn't given keeps its default, and nothing is asked."""

import asyncio
import io
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.exits import Exit
from cli.service.install import MANAGERS
from cli.settings import load_settings
from cli.token import application_id
from tests.cli.conftest import TOKEN, Atelier
from tests.discord_server import DiscordServer

Pipe = Callable[[str], None]


@pytest.fixture(autouse=True)
def pipe(monkeypatch: pytest.MonkeyPatch) -> Pipe:
    """Puts a text on standard input, which is no terminal."""

    def put(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    put("")
    return put


async def test_everything_is_given_on_the_command_line(
    atelier: Atelier, workplace: Path, discord: DiscordServer, pipe: Pipe
) -> None:
    pipe(f"{discord.token}\n")
    line = (
        *("--device", "cpu", "--folder", "pots", "--model", "Lykon/dreamshaper-8"),
        *("--admin-roles", "12,34", "--token-stdin", "--no-service"),
    )
    result = await asyncio.to_thread(atelier, "init", *line)
    assert result.code is Exit.FINE, result.err
    assert "✓ The token is that of atelier." in result.out
    assert f"client_id={discord.application_id}&" in result.out
    assert discord.token not in result.out + result.err
    settings = load_settings(None)
    assert settings.discord.token is not None
    assert settings.discord.token.get_secret_value() == discord.token
    assert settings.discord.admin_roles == (12, 34)
    assert settings.storage.path == workplace / "pots"
    assert settings.models[settings.engine.default_model].source == "Lykon/dreamshaper-8"


async def test_a_rejected_token_ends_it_and_an_unknown_one_does_not(
    atelier: Atelier, workplace: Path, discord: DiscordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", discord.token + "x")
    with discord.expecting(401):
        result = await asyncio.to_thread(atelier, "init", "--yes", "--model", "sketch")
    assert result.code is Exit.TOKEN
    assert "Discord rejected the token." in result.err
    assert not os.listdir(workplace)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        monkeypatch.setenv("ATELIER_DISCORD__API_URL", address)
        result = await asyncio.to_thread(atelier, "init", "--yes", "--model", "sketch")
    assert result.code is Exit.FINE
    assert "! Can't reach Discord to try the token: " in result.err
    assert f"client_id={application_id(discord.token)}&" in result.out
    assert discord.token not in (workplace / "config.toml").read_text(), "it stays where it is"


def test_what_is_piped_has_to_be_a_token(atelier: Atelier, workplace: Path, pipe: Pipe) -> None:
    for text, reason in (("", "Standard input has no token."), ("a.b\n", "isn't a bot token")):
        pipe(text)
        result = atelier("init", "--token-stdin")
        assert result.code is Exit.TOKEN
        assert reason in result.err
    assert not list(workplace.iterdir())


def test_a_file_that_is_there_stays_unless_told(atelier: Atelier, workplace: Path) -> None:
    assert atelier("init").code is Exit.FINE
    before = (workplace / "config.toml").read_text()
    result = atelier("init", "--model", "Lykon/dreamshaper-8")
    assert result.code is Exit.USAGE
    assert result.err == "✗ config.toml already exists. Add --force to replace it.\n"
    assert (workplace / "config.toml").read_text() == before
    assert atelier("init", "--yes", "--force", "--device", "cpu").code is Exit.FINE
    assert load_settings(None).engine.device == "cpu"
    line = ("init", "--yes", "--force", "--device", "cpu,cuda:7", "--model", "sketch")
    assert atelier(*line).code is Exit.FINE
    assert load_settings(None).engine.devices == ("cpu", "cuda:7")


def test_a_service_has_the_token_in_its_file(
    atelier: Atelier, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, ...]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        done.append(tuple(command[1:]))
        return subprocess.CompletedProcess(command, 0, "", "")

    tools = workplace / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(workplace))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    line = ("init", "--yes", "--no-login", "--service", "--model", "sketch", "--force")
    result = atelier(*line)
    assert result.code is Exit.SERVICE
    assert "There's no systemctl here" in result.err
    assert not (workplace / "config.toml").exists()
    tool = tools / MANAGERS["linux"].program
    tool.touch(0o700)
    monkeypatch.setattr("cli.service.install.subprocess.run", run)
    assert atelier(*line).code is Exit.FINE
    assert TOKEN in (workplace / "config.toml").read_text()
    assert ("--user", "restart", "atelier.service") in done
    monkeypatch.delenv("DISCORD_TOKEN")
    result = atelier(*line)
    assert result.code is Exit.SERVICE
    assert "needs the bot's token" in result.err


@pytest.mark.parametrize("source", ["stabilityai/sd-xl-base-1.0", "水墨 1.5", 'a "b" 1.0'])
def test_a_model_can_have_any_name(atelier: Atelier, workplace: Path, source: str) -> None:
    if "/" not in source:
        (workplace / source).mkdir()
        source = str(workplace / source)
    result = atelier("init", "--yes", "--model", source)
    assert result.code is Exit.FINE, result.err
    settings = load_settings(None)
    assert settings.models[settings.engine.default_model].source == source


def test_an_environment_that_does_not_go_with_it_is_told_before_it_is_written(
    atelier: Atelier, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATELIER_MODELS__SD__WIDTH", "3")
    assert atelier("init", "--yes", "--model", "owner/sd").code is Exit.SETTINGS
    assert not list(workplace.iterdir())


def test_nobody_is_asked_if_standard_input_is_closed(
    atelier: Atelier, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    result = atelier("init", "--model", "sketch")
    assert result.code is Exit.FINE, result.err


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["--model", "~nobody-here/x"], Exit.USAGE, "is neither a folder nor a Hub ID"),
        (["--model", "3"], Exit.USAGE, "isn't in the list"),
        (["--device", "gpu"], Exit.USAGE, "A device is auto, cuda, xpu, mps or cpu"),
        (["--device", "cuda:99"], Exit.SETTINGS, "“cuda:99”, but torch"),
        (["--admin-roles", "admins"], Exit.USAGE, "IDs are numbers."),
        (["--folder", "f" * 300], Exit.USAGE, "can't be used: File name too long."),
        (["--model", ""], Exit.USAGE, "A model is a Hub ID like owner/name, a folder, or sketch."),
        (["--config", "f" * 300], Exit.STORAGE, "can't be written: File name too long."),
        (["--config", "file/config.toml"], Exit.STORAGE, "file isn't a folder."),
        (["--config", "."], Exit.STORAGE, "it isn't a file."),
        (["--folder", "\udcff"], Exit.STORAGE, "an answer isn't text in UTF-8."),
    ],
)
def test_what_cannot_be_used_is_told_and_nothing_written(
    atelier: Atelier, workplace: Path, arguments: list[str], code: Exit, reason: str
) -> None:
    (workplace / "file").touch()
    result = atelier("init", "--yes", *arguments)
    assert result.code is code
    assert result.err.startswith("✗ ")
    assert reason in result.err
    assert [file.name for file in workplace.iterdir()] == ["file"]
