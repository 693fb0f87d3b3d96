"""Nothing secret gets into the log, whatever an error quotes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.logs import redacted
from tests.cli.conftest import Atelier

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


@pytest.mark.parametrize(
    "text",
    [
        "nats://{}@192.168.1.20:4222/laptop#ab",
        "http://ada:p@{}@proxy:80",
        "https://files.example/x?X-Amz-Security-Token={}&X-Amz-Expires=9",
        "https://files.example/x?access_token={}",
        "https://files.example/x?a=1&sig={}",
        "Key(seed='SU" + "A2" * 12 + "{}')",
    ],
)
def test_keys_in_addresses_are_not_shown(text: str) -> None:
    secret = "Q7XY" * 8
    assert secret not in redacted(text.format(secret), ())
    assert "[secret]" in redacted(text.format(secret), ())


def test_a_secret_that_begins_like_another_leaves_nothing_of_it() -> None:
    assert redacted("it is opensesame", ["open", "opensesame"]) == "it is [secret]"


def test_a_token_in_the_wrong_line_is_not_shown(
    atelier: Atelier, config: Callable[[str], Path]
) -> None:
    token = f"{'M' * 24}.{'Gx' * 3}.{'k' * 38}"
    config(f"[discord]\nadmin_roles = '{token}'\n[limits]\nqueue_size = 'hf_{'a1B2' * 8}'")
    said = atelier("check").out + atelier("invite").err
    assert "queue_size is" in said
    assert "kkkk" not in said
    assert "a1B2" not in said


def test_passwords_in_addresses_and_the_home_folder_are_not_shown() -> None:
    assert redacted("http://ada:pass@proxy:80/x", ()) == "http://[secret]@proxy:80/x"
    assert redacted(f"no {Path.home()}/models/x", ()) == "no ~/models/x"
