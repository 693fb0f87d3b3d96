"""What is possible where only the member installed the bot: how many answers, and for how long."""

from cogs.message_ref import TOKEN_LIFETIME
from cogs.messages.text import duration
from cogs.policy.access import Refused
from engine import Model
from speech import phrase, say

MAX_SECONDS = TOKEN_LIFETIME - 60.0
"""How long a picture may take where the bot can answer only with the interaction token."""

MAX_JOBS = 4
"""Jobs of one interaction there. Discord allows user installs five follow-ups, and one of them is
kept for an error or a notice."""

TOO_LONG = phrase(
    "Your picture would take about {time}, but I can only reply here for 15 minutes. Try again "
    "later, or ask in my DMs or in a server I'm in, where you can wait longer."
)

NOT_DOWNLOADED = phrase(
    "{model} has to be downloaded first, but I can only reply here for 15 minutes. Ask in my "
    "DMs or in a server I'm in, or choose another model."
)

TOO_MANY_JOBS = phrase(
    "I can only reply with {most} messages at a time here. Ask for fewer, or ask in my DMs or "
    "in a server I'm in."
)


def require_few_jobs(jobs: int) -> None:
    """Raise `Refused` when there are too many jobs to answer each with a message."""
    if jobs > MAX_JOBS:
        raise Refused(say(TOO_MANY_JOBS, most=MAX_JOBS))


def require_downloaded(missing: Model | None) -> None:
    """Raise `Refused` when `missing` has to be downloaded first."""
    if missing is not None:
        raise Refused(say(NOT_DOWNLOADED, model=missing.name))


def require_in_time(seconds: float | None) -> None:
    """Raise `Refused` when the token would expire before a picture is done in `seconds`.

    Without an estimate (`None`) it is allowed: if it takes longer, the result is sent as a DM.
    """
    if seconds is not None and seconds > MAX_SECONDS:
        raise Refused(say(TOO_LONG, time=duration(seconds)))
