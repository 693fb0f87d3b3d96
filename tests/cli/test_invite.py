"""`invite`: the link asks for what is needed and nothing more."""

import base64
from urllib.parse import parse_qs, urlsplit

import discord
import pytest

from cli.exits import Exit
from cli.token import application_id
from tests.cli.conftest import TOKEN, Atelier

NEEDED = {
    "view_channel": 1 << 10,
    "send_messages": 1 << 11,
    "attach_files": 1 << 15,
    "send_messages_in_threads": 1 << 38,
}


def test_the_link_has_exactly_the_permissions(
    atelier: Atelier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    result = atelier("invite")
    assert result.code is Exit.FINE
    link = urlsplit(result.out.strip())
    query = parse_qs(link.query)
    assert f"{link.scheme}://{link.netloc}{link.path}" == "https://discord.com/oauth2/authorize"
    assert query["client_id"] == ["123456789012345678"]
    assert query["scope"] == ["bot applications.commands"]
    asked = discord.Permissions(int(query["permissions"][0]))
    assert asked == discord.Permissions(**dict.fromkeys(NEEDED, True))
    assert asked.value == sum(NEEDED.values())


def test_the_link_is_alone_on_standard_output(atelier: Atelier) -> None:
    result = atelier("invite", "--client-id", "42")
    assert len(result.out.splitlines()) == 1
    assert "View Channels, Send Messages, Attach Files" in result.err


def test_without_a_token_or_with_a_strange_one_it_says_what_to_do(
    atelier: Atelier, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = atelier("invite")
    assert result.code is Exit.TOKEN
    assert result.err.startswith("✗ No Discord token is set. To get one:\n")
    monkeypatch.setenv("DISCORD_TOKEN", "nonsense")
    result = atelier("invite")
    assert result.code is Exit.TOKEN
    assert "Add --client-id" in result.err
    assert "nonsense" not in result.err


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c",
        "....",
        f"{base64.urlsafe_b64encode(b'no digits, but long').decode()}.abc.def",
        "MTIzNDU2Nzg5MDEyMzQ1Njc4.äbc.def",
        "MTIzNDU2Nzg5MDEyMzQ1Njc4.abc",
        "MTIzNDU2Nzg5MDEyMzQ1Njc4.abc.d ef",
        "A.abc.def",
    ],
)
def test_what_is_no_token_is_known_by_its_shape(token: str) -> None:
    assert application_id(token) is None


def test_a_token_holds_its_application() -> None:
    assert application_id(TOKEN) == 123456789012345678
