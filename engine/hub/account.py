"""The account on the Hub, and its token in the store that `hf` also uses."""

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from huggingface_hub import HfApi, get_token, logout
from huggingface_hub._login import _set_active_token
from huggingface_hub.utils._auth import _save_token, get_stored_tokens

from engine.hub.client import HubClient
from engine.hub.publishing_errors import (
    ERRORS,
    HubTokenError,
    explain_publishing_error,
    no_token,
)
from speech import phrase, say

VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


class TokenPlace(StrEnum):
    """Where a token is from, the first that has one."""

    SETTINGS = phrase("[engine] hub_token in the settings")
    ENVIRONMENT = phrase("HF_TOKEN in the environment")
    STORE = phrase("the token store of `hf`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose token it is, and what it may do.

    Attributes:
        name: The account.
        organizations: Names of the organizations that it belongs to.
        token_name: What the token is called there; empty for a browser login.
        role: `read`, `write` or `fineGrained`; empty if the Hub doesn't say.
    """

    name: str
    organizations: tuple[str, ...] = ()
    token_name: str = ""
    role: str = ""

    def may_publish_as(self, owner: str) -> bool:
        """Whether that's the account itself or one of its organizations."""
        return owner.casefold() in {each.casefold() for each in (self.name, *self.organizations)}


def token_place(hub: HubClient) -> TokenPlace | None:
    """Where the token that is used is from; `None` if there is none."""
    if hub.token:
        return TokenPlace.SETTINGS
    if any(os.environ.get(each, "").strip() for each in VARIABLES):
        return TokenPlace.ENVIRONMENT
    return TokenPlace.STORE if get_token() else None


def account_of(hub: HubClient, token: str | None = None) -> Account:
    """Ask the Hub whose token it is. Blocks.

    Args:
        hub: The Hub.
        token: The token; by default, the one that is used.

    Raises:
        HubTokenError: There is none, it can't be one, or the Hub rejects it.
        HubUnreachable: The Hub can't be reached.
    """
    token = token or hub.token or get_token()
    if token is None:
        raise no_token()
    if not re.fullmatch("[!-~]+", token):
        raise HubTokenError(say("That isn't a Hub token. Copy it again; it begins with “hf_”."))
    try:
        found = HfApi(endpoint=hub.endpoint).whoami(token)
    except ERRORS as error:
        raise explain_publishing_error(error) from error
    return _account(found)


def log_in(hub: HubClient, token: str) -> Account:
    """Store a token that the Hub accepts, as `hf auth login` does, and use it from now on. Blocks.

    Raises:
        HubTokenError: The Hub rejects it, or it belongs to an organization.
        HubUnreachable: The Hub can't be reached.
        OSError: It can't be stored.
    """
    if token.startswith("api_org"):
        raise HubTokenError(
            say("This token belongs to an organization. Use one of your own account.")
        )
    account = account_of(hub, token)
    name = account.token_name or f"oauth-{account.name}"
    _save_token(token, name)
    _set_active_token(name, add_to_git_credential=False)
    return account


def log_out() -> tuple[str, ...]:
    """Delete all tokens from the store, as `hf auth logout` does.

    Returns:
        The names of the tokens that were deleted.

    Raises:
        OSError: The store can't be written.
    """
    names = tuple(sorted(get_stored_tokens())) or ((say("unnamed"),) if get_token() else ())
    if not names:  # `logout` would say so in words of its own
        return ()
    try:
        logout()
    except OSError:
        # Also raised where git isn't installed, or the environment still has a token.
        if get_stored_tokens():
            raise
    return names


def _account(found: dict[str, Any]) -> Account:
    token = (found.get("auth") or {}).get("accessToken") or {}
    return Account(
        name=str(found["name"]),
        organizations=tuple(str(each["name"]) for each in found.get("orgs") or ()),
        token_name=str(token.get("displayName") or ""),
        role=str(token.get("role") or ""),
    )
