"""Who may use something, and under which limits: what its code asks, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cogs import Atelier
from cogs.about.help import Audience
from cogs.requests.attachments import MOST_BYTES
from cogs.requests.confirmations import MAX_UNCONFIRMED

from .reach import reached

DEMANDS = {
    "access.require_owner": Audience.OWNER,
    "access.require_manager": Audience.MANAGERS,
    "access.require_moderator": Audience.MODERATORS,
}
"""The functions that turn people away, and whom they let through; the strictest is first."""

WHO = {
    Audience.EVERYBODY: "everybody",
    Audience.MODERATORS: "moderators",
    Audience.MANAGERS: "managers",
    Audience.OWNER: "the owner",
}

OWN, OWNERS = "access.acting_as", "whose job it is"
"""What keeps people to their own jobs, and those who may act on anybody's."""

LIMITS = {
    "Limits.rate_limits": (
        "budget",
        "It is a job of whoever uses it, and counts for how many pictures they may ask for.",
    ),
    "access.require_postable_channel": (
        "room",
        "Only in channels where the server wants pictures and the bot may post them "
        "(`/settings`; a thread counts as its channel).",
    ),
    "visibility.can_see": (
        "sight",
        "Only jobs of one's own, and those whose message one can see in this server.",
    ),
    "nsfw.require_shown": (
        "shown",
        "Not with pictures that are withheld there, but by who may look at them all the same.",
    ),
    "require_img2img": ("start", "Only with models that can start from a picture."),
    "require_inpaint": ("fill", "Only with models that can paint a part of a picture anew."),
    "attachments.require_picture": (
        "upload",
        f"A picture to start from has at most {MOST_BYTES // 1_000_000} MB.",
    ),
    "Confirmations.ask": (
        "ask",
        f"More than {MAX_UNCONFIRMED} prompts at once are asked about first.",
    ),
    "audit.record": ("log", "Written down for `/audit`."),
    "audit.record_on_job": ("log", "Written down for `/audit`."),
}
"""What else a function means for those who use it: a word for the table, and what it stands for.

Functions are named by as much of `module.name` as tells them apart.
"""


def leads_to(called: Iterable[str], name: str) -> bool:
    """Whether the function of that name is among those that are called."""
    return any(each.endswith(f".{name}") for each in called)


def audience(bot: Atelier, start: Callable[..., Any]) -> Audience:
    """Who may use what `start` answers."""
    called = reached(bot, start)
    found = (who for name, who in DEMANDS.items() if leads_to(called, name))
    return next(found, Audience.EVERYBODY)


def who(bot: Atelier, start: Callable[..., Any]) -> str:
    """The same in words."""
    return OWNERS if leads_to(reached(bot, start), OWN) else WHO[audience(bot, start)]


def limits(bot: Atelier, start: Callable[..., Any]) -> str:
    """The limits that hold for it, each by its word."""
    called = reached(bot, start)
    words = (word for name, (word, _) in LIMITS.items() if leads_to(called, name))
    return ", ".join(dict.fromkeys(words))
