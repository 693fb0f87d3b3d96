"""Where the page may be, and what has to protect it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from cli.settings import load_settings
from cli.web.settings import WebSettings
from tests.cli.conftest import Atelier
from tests.cli.web.conftest import TOKEN


@pytest.mark.parametrize(
    "listen", ["127.0.0.1:8722", "localhost:80", "[::1]:8722", "127.9.9.9:65535"]
)
def test_on_this_machine_it_needs_no_token(listen: str) -> None:
    settings = WebSettings(listen=listen)
    assert settings.is_local
    assert settings.plain_token is None


@pytest.mark.parametrize("listen", ["0.0.0.0:8722", "[::]:8722", "192.168.1.7:80", "my.lan:80"])
def test_where_others_reach_it_it_needs_one(listen: str) -> None:
    with pytest.raises(ValidationError, match="Other machines can reach"):
        WebSettings(listen=listen)
    settings = WebSettings(listen=listen, token=TOKEN)
    assert settings.plain_token == TOKEN
    assert TOKEN not in repr(settings)


@pytest.mark.parametrize(
    "listen",
    ["8722", "127.0.0.1", "127.0.0.1:0", "x:70000", "http://x:1", "a b:1", "::1:8"],
)
def test_an_address_is_a_host_and_a_port(listen: str) -> None:
    with pytest.raises(ValidationError, match="Write an address and a port"):
        WebSettings(listen=listen)


@pytest.mark.parametrize("token", ["short", "fifteen-letters", "with spaces in it, too", "ü" * 20])
def test_a_token_that_could_be_guessed_or_typed_wrong_is_refused(token: str) -> None:
    with pytest.raises(ValidationError, match="16 or more characters"):
        WebSettings(listen="127.0.0.1:8722", token=token)


def test_a_sentence_says_so_at_the_start(
    atelier: Atelier, config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    config('[web]\nlisten = "0.0.0.0:8722"\n')
    result = atelier("run")
    assert "Other machines can reach this page" in result.err
    assert "config.toml, line" in result.err
    config('[web]\nlisten = "127.0.0.1:8722"\ntoken = "hunter2"\n')
    result = atelier("run")
    assert "Set [web] token to 16 or more characters" in result.err
    assert "hunter2" not in result.err
    monkeypatch.setenv("ATELIER_WEB__TOKEN", TOKEN)
    assert load_settings(None).web.plain_token == TOKEN
