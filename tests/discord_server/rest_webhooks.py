"""Routes under an interaction's token: the original response and follow-ups."""

from __future__ import annotations

from . import message_payloads
from .compose import write
from .errors import ApiError, archived, unknown
from .interactions import Interaction
from .messages import (
    COMPONENTS_V2,
    EPHEMERAL,
    SUPPRESS_EMBEDS,
    SUPPRESS_NOTIFICATIONS,
    Message,
)
from .routes import Call, Reply, Routes

routes = Routes()
SETTABLE = SUPPRESS_EMBEDS | EPHEMERAL | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2
MOST_BORROWED = 5
"""Follow-ups to an interaction in a place that has the app only by who uses it."""
WEBHOOK = "/webhooks/{webhook_id}/{webhook_token}"
ORIGINAL = WEBHOOK + "/messages/@original"
FOLLOWUP = WEBHOOK + "/messages/{message_id}"


def _interaction(call: Call) -> Interaction:
    """The acknowledged interaction whose live token this is."""
    interaction = call.world.interactions.get(call.params["webhook_token"])
    if interaction is None or call.id("webhook_id") != call.world.application_id:
        raise ApiError(401, 50027, "Invalid Webhook Token")
    if interaction.token_expired:
        raise ApiError(401, 50027, "Invalid Webhook Token", blameless=True)
    if interaction.acknowledged_at is None:
        raise unknown("Webhook")
    if interaction.channel.id not in call.world.channels:
        raise unknown("Channel", existed=True)
    return interaction


def _message(call: Call) -> Message:
    """The message of the route: the original response or one of the follow-ups."""
    interaction = _interaction(call)
    own = [interaction.original] if interaction.original else []
    if "message_id" in call.params:
        own = [each for each in own + interaction.followups if each.id == call.id("message_id")]
    if not own:
        raise unknown("Message")
    if own[0].deleted:
        raise unknown("Message", existed=True)
    return own[0]


@routes.add("POST", WEBHOOK, authorized=False)
async def follow_up(call: Call) -> Reply:
    """Another message; while the original is "… is thinking", it becomes the original."""
    interaction = _interaction(call)
    original = interaction.original
    if original is not None and original.loading and not original.deleted:
        write(call.world, original, call.body, call.files, flags=SETTABLE & ~EPHEMERAL)
        call.world.edited_message(original, filled=True)
        return Reply(message_payloads.message(original))
    if interaction.borrowed and len(interaction.followups) >= MOST_BORROWED:
        text = "This interaction has hit the maximum number of follow up messages"
        raise ApiError(400, 40094, text)
    message = call.world.new_message(interaction.channel, call.world.bot)
    message.interaction = interaction
    message.reference = original
    message.type = 19 if original else 0
    write(call.world, message, call.body, call.files, flags=SETTABLE)
    message.flags |= EPHEMERAL if interaction.hidden else 0
    interaction.followups.append(message)
    call.world.post_message(message)
    return Reply(message_payloads.message(message))


@routes.add("GET", ORIGINAL, authorized=False)
@routes.add("GET", FOLLOWUP, authorized=False)
async def get_message(call: Call) -> Reply:
    """The original response or a follow-up."""
    return Reply(message_payloads.message(_message(call)))


@routes.add("PATCH", ORIGINAL, authorized=False)
@routes.add("PATCH", FOLLOWUP, authorized=False)
async def edit_message(call: Call) -> Reply:
    """Change it; a deferred response gets its text this way."""
    message = _message(call)
    if message.channel.archived:
        raise archived()
    filled = message.loading
    write(call.world, message, call.body, call.files, flags=SUPPRESS_EMBEDS | COMPONENTS_V2)
    call.world.edited_message(message, filled=filled)
    return Reply(message_payloads.message(message))


@routes.add("DELETE", ORIGINAL, authorized=False)
@routes.add("DELETE", FOLLOWUP, authorized=False)
async def delete_message(call: Call) -> Reply:
    """Take it away."""
    call.world.delete_message(_message(call))
    return Reply()
