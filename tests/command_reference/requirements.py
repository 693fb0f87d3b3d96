"""Who can use something, and under which limits: what its code requires, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cogs import Atelier
from cogs.about.command_list import Audience
from cogs.requests.attachments import MAX_BYTES
from cogs.requests.confirmations import MAX_UNCONFIRMED

from .reach import reached

DEMANDS = {
    "access.require_owner": Audience.OWNER,
    "access.require_manager": Audience.MANAGERS,
    "access.require_moderator": Audience.MODERATORS,
    "trainers.require_trainer": Audience.TRAINERS,
}
"""The functions that turn people away, and whom they let through; the strictest is first."""

WHO = {
    Audience.EVERYBODY: "everyone",
    Audience.TRAINERS: "those who can train LoRAs",
    Audience.MODERATORS: "moderators",
    Audience.MANAGERS: "server managers",
    Audience.OWNER: "the owner",
}

OWN, OWNERS = "access.acting_as", "the job's owner"
"""What keeps people to their own jobs, and what those who can act on a job are called."""

LIMITS = {
    "Limits.rate_limits": (
        "hourly limit",
        "Creates a job of the member who uses it, which counts toward their pictures per hour and "
        "their open jobs.",
    ),
    "access.require_postable_channel": (
        "painting channels",
        "Only works in channels where the server allows painting (`/settings`; threads count as "
        "their channel) and where the bot can post.",
    ),
    "visibility.can_see_message": (
        "visible jobs",
        "Only shows your own jobs, and jobs of this server whose message you can see.",
    ),
    "nsfw.require_shown": (
        "not withheld",
        "Doesn't work with withheld pictures, except for members who can view them.",
    ),
    "require_img2img": ("img2img models", "Only works with models that take a start image."),
    "require_inpaint": ("inpainting models", "Only works with models that can inpaint."),
    "attachments.require_picture": (
        "upload size",
        f"Uploaded pictures can have at most {MAX_BYTES // 1_000_000} MB.",
    ),
    "Confirmations.ask": (
        "confirmation",
        f"Asks before it queues more than {MAX_UNCONFIRMED} prompts or a grid.",
    ),
    "audit.record": ("audit log", "Recorded in `/audit`."),
    "audit.record_on_job": ("audit log", "Recorded in `/audit`."),
}
"""What else a function means for people: a term for the lists, and what it stands for.

Functions are named by as much of `module.name` as tells them apart.
"""


def leads_to(called: Iterable[str], name: str) -> bool:
    """Whether the function of that name is among those that are called."""
    return any(each.endswith(f".{name}") for each in called)


def audience(bot: Atelier, start: Callable[..., Any]) -> Audience:
    """Who can use what `start` answers."""
    called = reached(bot, start)
    found = (who for name, who in DEMANDS.items() if leads_to(called, name))
    return next(found, Audience.EVERYBODY)


def who(bot: Atelier, start: Callable[..., Any]) -> str:
    """The same in words."""
    return OWNERS if leads_to(reached(bot, start), OWN) else WHO[audience(bot, start)]


def limits(bot: Atelier, start: Callable[..., Any]) -> list[str]:
    """The limits that apply to it, each by its term."""
    called = reached(bot, start)
    found = (term for name, (term, _) in LIMITS.items() if leads_to(called, name))
    return list(dict.fromkeys(found))
