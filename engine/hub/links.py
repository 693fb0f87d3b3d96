"""Links to models, as owners copy them from the address bar of a browser."""

import re
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from engine.errors import ModelUnavailable
from speech import say

HUB = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})
LINK = re.compile(r"(?:https?://|(?=(?:www\.)?(?:huggingface\.co|hf\.co)/))", re.IGNORECASE)
NOT_MODELS = frozenset({"api", "collections", "datasets", "docs", "papers", "spaces"})
VIEWS = frozenset({"blob", "resolve", "raw", "tree"})
"""What is between a repository and a revision in a link."""


class HubLink(NamedTuple):
    """What a link to the Hub names: a source, and its revision unless that is the main one."""

    source: str
    revision: str | None = None


def split_link(text: str, beginning: re.Pattern[str]) -> SplitResult | None:
    """The parts of a link that begins so, perhaps without https; `None` if `text` isn't one."""
    if not (start := beginning.match(text)):
        return None
    try:
        return urlsplit(text if start[0] else f"https://{text}")
    except ValueError:
        return None


def hub_link(text: str) -> HubLink | None:
    """What the link `text` names; `None` if it isn't a link to the Hub.

    Raises:
        ModelUnavailable: It leads to something on the Hub that isn't a model.
    """
    link = split_link(text, LINK)
    if link is None or link.hostname not in HUB:
        return None
    parts = [unquote(part) for part in link.path.split("/") if part]
    owner_and_name, view, file = parts[:2], parts[2:4], parts[4:]
    is_model = len(owner_and_name) == 2 and owner_and_name[0] not in NOT_MODELS
    known_view = not view or view[0] in VIEWS
    if not is_model or not known_view or (file and view[0] == "tree"):
        raise ModelUnavailable(
            say(
                "“{link}” isn't a link to a model or one of its files. Use the link of the model's "
                "page, or of a .safetensors file in it.",
                link=text,
            )
        )
    revision = view[1] if len(view) == 2 and view[1] != "main" else None
    return HubLink("/".join([*owner_and_name, *file]), revision)
