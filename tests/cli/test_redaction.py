"""Nothing secret gets into the log, whatever an error quotes."""

from pathlib import Path

import pytest

from cli.logs import redacted

TOKEN = "aW50ZXJhY3Rpb246" + "MTIzNDU2Nzg5" * 6


@pytest.mark.parametrize(
    "text",
    [
        f"404, url='https://discord.com/api/v10/webhooks/5/{TOKEN}/messages/@original'",
        f"Cannot connect to /interactions/77/{TOKEN}/callback",
        f"MessageRef(token='{TOKEN}')",
    ],
)
def test_tokens_of_interactions_are_not_shown(text: str) -> None:
    assert "MTIzNDU2" not in redacted(text, ())
    assert "[secret]" in redacted(text, ())


@pytest.mark.parametrize("secret", ["hf_" + "a1B2" * 8, f"{'M' * 24}.{'Gx' * 3}.{'k' * 38}"])
@pytest.mark.parametrize("before", ["", " ", "key=", "n", "_"])
def test_tokens_are_not_shown_whatever_stands_before_them(secret: str, before: str) -> None:
    assert secret[-16:] not in redacted(f"bad{before}{secret}", ())


def test_passwords_in_addresses_and_the_home_folder_are_not_shown() -> None:
    assert redacted("http://ada:pass@proxy:80/x", ()) == "http://[secret]@proxy:80/x"
    assert redacted(f"no {Path.home()}/models/x", ()) == "no ~/models/x"
