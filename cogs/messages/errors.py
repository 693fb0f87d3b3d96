"""What people are told when something goes wrong."""

import logging

from discord import app_commands

from engine import AtelierError, LimitReached, new_incident
from speech import resaid, say

log = logging.getLogger(__name__)


def sentence_for(error: Exception) -> str:
    """What to tell a person about `error`; a bug goes to the log under an id that they see."""
    match error:
        case LimitReached(retry_at=float(retry_at)):
            return say("{error} Try again <t:{at}:R>.", error=error.sentence, at=int(retry_at) + 1)
        case AtelierError():
            return resaid(error.sentence)
        case app_commands.CommandSignatureMismatch() | app_commands.CommandNotFound():
            return say("This command has changed. Restart Discord, or try again in a minute.")
        case _:
            incident = new_incident()
            log.error("Incident %s", incident, exc_info=error)
            return say(
                "Something went wrong. The owner can find the reason in the log: {incident}.",
                incident=incident,
            )
