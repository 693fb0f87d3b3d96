"""`hub login`, `whoami` and `logout`, with the token store of the Hub's client."""

import json
import stat
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from huggingface_hub import get_token

from cli.exits import Exit
from tests.cli.conftest import Atelier
from tests.cli.hub.conftest import TOKEN
from tests.hub_server import HubAccount, HubServer


@pytest.fixture
def piped(account: HubAccount, monkeypatch: pytest.MonkeyPatch) -> HubAccount:
    """Its token on standard input."""
    monkeypatch.setattr("sys.stdin", StringIO(f"{account.token}\n"))
    return account


@pytest.mark.usefixtures("piped")
def test_a_token_is_stored_shown_without_itself_and_deleted(atelier: Atelier, store: Path) -> None:
    said = [atelier("hub", "login", "--token", "-")]
    assert said[0].code is Exit.FINE, said[0].err
    assert said[0].out.startswith("✓ Logged in as vixen.\n")
    assert get_token() == TOKEN
    if sys.platform != "win32":
        assert stat.S_IMODE(store.stat().st_mode) == 0o600
    said.append(atelier("hub", "whoami"))
    assert " ".join(said[1].out.split()) == (
        "vixen organizations den token vixen-write, read and write from the token store of `hf`"
    )
    said.append(atelier("hub", "logout"))
    assert said[2].out.startswith("✓ Logged out: vixen-write.\n")
    assert not store.exists()
    assert not any(TOKEN in each.out + each.err for each in said)
    assert atelier("hub", "logout").out == "You weren't logged in.\n"


@pytest.mark.usefixtures("account")
def test_the_prompt_echoes_nothing(atelier: Atelier, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    asked = []

    def prompt(text: str, *, hide_input: bool) -> str:
        asked.append(hide_input)
        return TOKEN

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("typer.prompt", prompt)
    assert atelier("hub", "login").code is Exit.FINE
    assert asked == [True]
    assert get_token() == TOKEN


@pytest.mark.usefixtures("account")
def test_a_token_on_the_command_line_is_refused(atelier: Atelier) -> None:
    result = atelier("hub", "login", "--token", TOKEN)
    assert result.code is Exit.USAGE
    assert "can be read by others" in result.err
    assert TOKEN not in result.err
    assert get_token() is None
    assert "There's no terminal to ask on" in atelier("hub", "login").err


@pytest.mark.usefixtures("piped")
def test_what_goes_wrong_is_a_sentence(atelier: Atelier, server: HubServer) -> None:
    missing = atelier("hub", "whoami")
    assert missing.code is Exit.TOKEN
    assert missing.err.startswith("✗ You aren't logged in to the Hub. Create a token")
    server.accounts.clear()
    refused = atelier("hub", "login", "--token", "-")
    assert refused.code is Exit.TOKEN
    assert "The Hub rejected the token. Create a new one at" in refused.err
    assert get_token() is None


def test_without_a_network_nothing_is_stored(
    atelier: Atelier, piped: HubAccount, workplace: Path
) -> None:
    (workplace / "config.toml").write_text("[engine]\nhub_url = 'http://127.0.0.1:9'\n")
    result = atelier("hub", "login", "--token", "-")
    assert result.code is Exit.UNREACHABLE
    assert "The Hub can't be reached. Check the network and try again." in result.err
    assert get_token() is None


@pytest.mark.usefixtures("piped")
def test_the_environment_goes_before_the_store(
    atelier: Atelier, server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.welcome(HubAccount("cub", "hf_" + "c" * 20, role="read"))
    monkeypatch.setenv("HF_TOKEN", "hf_" + "c" * 20)
    said = atelier("hub", "login", "--token", "-")
    assert said.out.endswith("But HF_TOKEN in the environment is used instead, while it's set.\n")
    assert atelier("hub", "whoami").out.startswith("cub\n")
    out = atelier("hub", "logout")
    assert out.code is Exit.FINE
    assert out.out.endswith("HF_TOKEN in the environment is still used.\n")


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("token", ["hf_“quoted”", "hf_two words", "hf_two\nlines"])
def test_what_cannot_be_a_token_is_told_wherever_it_is_from(
    atelier: Atelier, monkeypatch: pytest.MonkeyPatch, config: Callable[[str], Path], token: str
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(token.replace("\n", " ")))
    config(f"[engine]\nhub_token = {json.dumps(token)}\n")
    for command in (("login", "--token", "-"), ("whoami",)):
        result = atelier("hub", *command)
        assert result.code is Exit.TOKEN, command
        assert result.err == "✗ That isn't a Hub token. Copy it again; it begins with “hf_”.\n"
    assert get_token() is None
