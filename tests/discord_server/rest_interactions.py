"""The callback route: how the bot acknowledges an interaction, once and in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import message_payloads
from .command_rules import STRING, check_choices
from .compose import write
from .errors import ApiError, Json, Problem, invalid_form, unknown
from .interactions import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL_SUBMIT, Interaction
from .messages import COMPONENTS_V2, EPHEMERAL, LOADING, SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS
from .modal_rules import check_modal
from .modals import Modal
from .routes import Call, Reply, Routes

routes = Routes()
SETTABLE = SUPPRESS_EMBEDS | EPHEMERAL | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2
MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9


@routes.add("POST", "/interactions/{interaction_id}/{interaction_token}/callback", authorized=False)
async def respond(call: Call) -> Reply:
    """The first and only response to an interaction."""
    interaction = call.world.interactions.get(call.params["interaction_token"])
    if interaction is None or interaction.id != call.id("interaction_id"):
        raise unknown("interaction")
    if interaction.acknowledged_at is not None:
        # Who got no answer to the same response can't know that it was the first.
        text, again = "Interaction has already been acknowledged.", call.body == interaction.answer
        raise ApiError(400, 40060, text, blameless=again)
    late = call.arrived > interaction.offered_at + call.world.acknowledge_within
    if late or interaction.failed is not None:
        raise unknown("interaction")
    kind = call.body.get("type")
    if kind not in ALLOWED[interaction.type] or (
        kind in (DEFERRED_UPDATE, UPDATE) and interaction.message is None
    ):
        text = f"An interaction of type {interaction.type} has no response of type {kind}."
        raise invalid_form([Problem(("type",), "INTERACTION_RESPONSE_TYPE_INVALID", text)])
    RESPONSES[kind](call, interaction, call.body.get("data") or {})
    interaction.acknowledge(kind)
    interaction.answer = call.body
    if call.query.get("with_response", "").lower() not in ("1", "true"):
        return Reply()
    return Reply(_callback(interaction, kind))


def _callback(interaction: Interaction, kind: int) -> Json:
    """What `with_response` asks for."""
    channel = interaction.channel
    described: Json = {"id": str(interaction.id), "type": interaction.type}
    described["channel_id"] = str(channel.id)
    if channel.guild is not None:
        described["guild_id"] = str(channel.guild.id)
    answer: Json = {"interaction": described}
    message = interaction.original
    if message is not None:
        described["response_message_id"] = str(message.id)
        described["response_message_loading"] = message.loading
        described["response_message_ephemeral"] = message.ephemeral
        if kind in (MESSAGE, UPDATE):
            answer["resource"] = {"type": kind, "message": message_payloads.message(message)}
    return answer


def _answer(call: Call, interaction: Interaction, data: Json) -> None:
    message = call.world.new_message(interaction.channel, call.world.bot)
    message.interaction = interaction
    message.reference = interaction.message
    message.type = {COMMAND: 20 if interaction.data.get("type") == 1 else 23}.get(
        interaction.type, 19 if interaction.message else 0
    )
    if call.body["type"] == DEFERRED:
        message.flags = (int(data.get("flags") or 0) & EPHEMERAL) | LOADING
    else:
        write(call.world, message, data, call.files, flags=SETTABLE)
    message.flags |= EPHEMERAL if interaction.hidden else 0
    interaction.original = message
    call.world.post_message(message)


def _defer_update(call: Call, interaction: Interaction, data: Json) -> None:
    interaction.original = interaction.message


def _update(call: Call, interaction: Interaction, data: Json) -> None:
    message = interaction.message
    assert message is not None
    if message.deleted:
        raise unknown("Message", existed=True)
    write(call.world, message, data, call.files, flags=SUPPRESS_EMBEDS | COMPONENTS_V2)
    interaction.original = message
    call.world.edited_message(message)


def _choices(call: Call, interaction: Interaction, data: Json) -> None:
    choices = data.get("choices") or []
    problems = list(check_choices(("data", "choices"), choices, _focused(interaction.data)))
    if problems:
        raise invalid_form(problems)
    interaction.choices = choices


def _focused(data: Json) -> int:
    """The type of the option that is being typed."""
    options: list[Any] = list(data.get("options", []))
    for option in options:
        if option.get("focused"):
            return int(option["type"])
        options += option.get("options", [])
    return STRING


def _modal(call: Call, interaction: Interaction, data: Json) -> None:
    problems = list(check_modal(data))
    if problems:
        raise invalid_form(problems)
    interaction.modal = Modal.opened(interaction, data)


ALLOWED = {
    COMMAND: (MESSAGE, DEFERRED, MODAL),
    COMPONENT: (MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, MODAL),
    AUTOCOMPLETE: (CHOICES,),
    MODAL_SUBMIT: (MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE),
}
RESPONSES: dict[int, Callable[[Call, Interaction, Json], None]] = {
    MESSAGE: _answer,
    DEFERRED: _answer,
    DEFERRED_UPDATE: _defer_update,
    UPDATE: _update,
    CHOICES: _choices,
    MODAL: _modal,
}
