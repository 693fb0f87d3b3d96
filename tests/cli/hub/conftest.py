"""A loopback Hub with accounts, and a token store of the test's own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hub_server import HubAccount, HubServer

TOKEN = "hf_abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the active token."""
    for variable in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    place = tmp_path / "home" / "token"
    for constants in ("huggingface_hub.constants", "huggingface_hub._login.constants"):
        monkeypatch.setattr(f"{constants}.HF_TOKEN_PATH", str(place))
        monkeypatch.setattr(f"{constants}.HF_STORED_TOKENS_PATH", str(place.parent / "stored"))
    monkeypatch.setattr("huggingface_hub._login.unset_git_credential", lambda: None)
    return place


@pytest.fixture
def account(
    store: Path, server: HubServer, config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> HubAccount:
    """An account on the Hub that the settings lead to; nobody is logged in."""
    config(f"[engine]\ndevice = 'cpu'\nhub_url = '{server.endpoint}'\n")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    return server.welcome(HubAccount("vixen", TOKEN, organizations=("den",)))
