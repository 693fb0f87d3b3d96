"""Where the bot is not itself: how much it can answer there, and for how long."""

from cogs.message_ref import TOKEN_LIFETIME
from cogs.messages.text import duration
from cogs.policy.access import Refused
from engine import Model
from speech import phrase, say

MOST_SECONDS = TOKEN_LIFETIME - 60.0
"""How long a picture may take where the bot can answer only while the token lives."""

MOST_JOBS = 4
"""Jobs of one interaction there: Discord takes five follow-ups of those who installed the bot for
themselves, and one of them stays for a word."""

TOO_LONG = phrase(
    "Your picture would take about {time}, but I can only reply here for 15 minutes. Try again "
    "later, or ask in my DMs or in a server I'm in, where you can wait longer."
)

TO_COME = phrase(
    "{model} has to be downloaded first, but I can only reply here for 15 minutes. Ask in my "
    "DMs or in a server I'm in, or choose another model."
)

TOO_MANY = phrase(
    "I can only reply with {most} messages at a time here. Ask for fewer, or ask in my DMs or "
    "in a server I'm in."
)


def require_few_jobs(jobs: int) -> None:
    """Raise `Refused` when there are too many to answer each with a message."""
    if jobs > MOST_JOBS:
        raise Refused(say(TOO_MANY, most=MOST_JOBS))


def require_downloaded(missing: Model | None) -> None:
    """Raise `Refused` when the files of a model have to come first."""
    if missing is not None:
        raise Refused(say(TO_COME, model=missing.name))


def require_in_time(seconds: float | None) -> None:
    """Raise `Refused` when a picture takes so long that it could not be shown any more.

    What is not known is hoped for: should it become late after all, it comes directly.
    """
    if seconds is not None and seconds > MOST_SECONDS:
        raise Refused(say(TOO_LONG, time=duration(seconds)))
