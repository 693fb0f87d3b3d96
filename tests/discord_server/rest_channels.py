"""Routes of channels and the messages the bot posts there as itself."""

from __future__ import annotations

from . import message_payloads, payloads
from .checks import length
from .compose import write
from .errors import ApiError, Json, Problem, archived, invalid_form
from .guilds import Channel
from .messages import COMPONENTS_V2, SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS, Message
from .permissions import in_channel
from .routes import Call, Reply, Routes
from .world import World

routes = Routes()
NONCE_SECONDS = 180
SETTABLE = SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2
PUBLIC_THREAD = 11
A_DAY = 1440
ARCHIVE_AFTER = (60, A_DAY, 4320, 10080)
"""Minutes."""
MESSAGES = "/channels/{channel_id}/messages"


def _channel(call: Call, *needed: str) -> Channel:
    """The channel of the route, if the bot sees it and has the permissions."""
    channel = call.world.channel(call.id("channel_id"))
    if channel.kind == "group":
        raise ApiError(403, 50001, "Missing Access")
    if channel.guild is not None:
        own = in_channel(channel, channel.guild.bot)
        if not own.view_channel:
            raise ApiError(403, 50001, "Missing Access")
        for permission in needed:
            if not getattr(own, permission):
                raise ApiError(403, 50013, "Missing Permissions")
    return channel


def _needed_to_send(call: Call) -> list[str]:
    """The permissions this message takes."""
    body, channel = call.body, call.world.channel(call.id("channel_id"))
    thread = channel.kind == "thread"
    needed = ["send_messages_in_threads" if thread else "send_messages"]
    if call.files:
        needed.append("attach_files")
    if body.get("embeds"):
        needed.append("embed_links")
    if body.get("message_reference"):
        needed.append("read_message_history")
    return needed


@routes.add("GET", "/channels/{channel_id}")
async def get_channel(call: Call) -> Reply:
    """A channel."""
    return Reply(payloads.channel(_channel(call)))


@routes.add("POST", "/channels/{channel_id}/threads")
async def create_thread(call: Call) -> Reply:
    """A public thread without a message that it begins with."""
    channel = _channel(call, "create_public_threads")
    body = call.body
    problems = list(length(("name",), str(body["name"]), 1, 100))
    if body.get("auto_archive_duration", A_DAY) not in ARCHIVE_AFTER:
        text = f"Value must be one of {ARCHIVE_AFTER}."
        problems.append(Problem(("auto_archive_duration",), "BASE_TYPE_CHOICES", text))
    if problems:
        raise invalid_form(problems)
    if channel.kind != "text" or body.get("type") != PUBLIC_THREAD:
        raise ApiError(400, 50024, "Cannot execute action on this channel type")
    assert channel.guild is not None, "text channels are in guilds"
    thread = channel.guild.add_channel(body["name"], kind="thread", parent=channel)
    return Reply(payloads.channel(thread), 201)


@routes.add("POST", "/channels/{channel_id}/typing")
async def start_typing(call: Call) -> Reply:
    """ "Atelier is typing…" """
    channel = call.world.channel(call.id("channel_id"))
    thread = channel.kind == "thread"
    _channel(call, "send_messages_in_threads" if thread else "send_messages").typing += 1
    return Reply()


@routes.add("GET", MESSAGES)
async def list_messages(call: Call) -> Reply:
    """Messages, newest first: `limit` of them, `before`, `after` or `around` an id."""
    channel = _channel(call, "read_message_history")
    limit = int(call.query.get("limit", "50"))
    if not 1 <= limit <= 100:
        text = "int value should be between 1 and 100."
        raise invalid_form([Problem(("limit",), "NUMBER_TYPE_MAX", text)])
    found = channel.messages
    if "before" in call.query:
        found = [each for each in found if each.id < int(call.query["before"])]
    if "after" in call.query:
        found = [each for each in found if each.id > int(call.query["after"])][:limit]
    if "around" in call.query:
        around = int(call.query["around"])
        found = sorted(sorted(found, key=lambda each: abs(each.id - around))[:limit], key=_id)
    return Reply([_read(call.world, message) for message in reversed(found[-limit:])])


def _id(message: Message) -> int:
    return message.id


def _read(world: World, message: Message) -> Json:
    """A message as the bot reads it, without the message content intent."""
    readable = message.author is world.bot or message.channel.guild is None
    return message_payloads.message(message, readable=readable)


@routes.add("POST", MESSAGES)
async def create_message(call: Call) -> Reply:
    """Post a message; the same nonce with `enforce_nonce` gives back the one already posted."""
    channel = _channel(call, *_needed_to_send(call))
    if channel.recipient is not None and channel.recipient.refuses_dms:
        raise ApiError(403, 50007, "Cannot send messages to this user")
    if channel.recipient is not None and not call.world.knows(channel.recipient):
        text = "Cannot send messages to this user due to having no mutual guilds"
        raise ApiError(403, 50278, text)
    if channel.archived:
        if channel.locked:
            raise archived()
        channel.archived = False
    body = call.body
    if problems := list(length(("nonce",), str(body.get("nonce") or ""), 0, 25)):
        raise invalid_form(problems)
    if body.get("enforce_nonce") and (again := _with_nonce(call.world, channel, body["nonce"])):
        return Reply(message_payloads.message(again))
    message = call.world.new_message(channel, call.world.bot)
    message.nonce = body.get("nonce")
    message.reference = _reference(call.world, channel, body)
    message.type = 19 if message.reference else 0
    write(call.world, message, body, call.files, flags=SETTABLE)
    call.world.post_message(message)
    return Reply(message_payloads.message(message))


def _with_nonce(world: World, channel: Channel, nonce: str | int) -> Message | None:
    for message in reversed(channel.history):
        recent = message.looks[0].at > world.now - NONCE_SECONDS
        if message.author is world.bot and message.nonce == nonce and recent:
            return message
    return None


def _reference(world: World, channel: Channel, body: Json) -> Message | None:
    """The message this one replies to."""
    reference = body.get("message_reference")
    if not reference:
        return None
    target = world.messages.get(int(reference["message_id"]))
    if target is not None and target.channel is channel and not target.deleted:
        return target
    if reference.get("fail_if_not_exists", True):
        code, text = "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message"
        error = invalid_form([Problem(("message_reference",), code, text)])
        error.blameless = target is not None and target.deleted
        raise error
    return None


@routes.add("GET", MESSAGES + "/{message_id}")
async def get_message(call: Call) -> Reply:
    """One message."""
    channel = _channel(call, "read_message_history")
    return Reply(_read(call.world, call.world.message(channel, call.id("message_id"))))


@routes.add("PATCH", MESSAGES + "/{message_id}")
async def edit_message(call: Call) -> Reply:
    """Change a message of the bot's own."""
    channel = _channel(call, *(["attach_files"] if call.files else []))
    message = call.world.message(channel, call.id("message_id"))
    if channel.archived:
        raise archived()
    if message.author is not call.world.bot:
        raise ApiError(403, 50005, "Cannot edit a message authored by another user")
    filled = message.loading
    write(call.world, message, call.body, call.files, flags=SUPPRESS_EMBEDS | COMPONENTS_V2)
    call.world.edited_message(message, filled=filled)
    return Reply(message_payloads.message(message))


@routes.add("DELETE", MESSAGES + "/{message_id}")
async def delete_message(call: Call) -> Reply:
    """Delete the bot's own message, or another's with the permission to."""
    channel = _channel(call)
    message = call.world.message(channel, call.id("message_id"))
    if message.author is not call.world.bot:
        if channel.guild is None:
            raise ApiError(403, 50003, "Cannot execute action on a DM channel")
        _channel(call, "manage_messages")
    call.world.delete_message(message)
    return Reply()
