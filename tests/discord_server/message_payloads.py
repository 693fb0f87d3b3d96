"""How Discord writes down messages and their attachments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import Json
from .messages import Attachment, Message
from .payloads import stamp, user

if TYPE_CHECKING:
    from .guilds import User


def attachment(which: Attachment, *, ephemeral: bool = False) -> Json:
    """An attachment object."""
    payload: Json = {
        "id": str(which.id),
        "filename": which.filename,
        "size": len(which.data),
        "url": which.url,
        "proxy_url": which.url,
        "content_type": which.content_type,
        "flags": 0,
    }
    if which.width is not None:
        payload |= {"width": which.width, "height": which.height}
    if which.description is not None:
        payload["description"] = which.description
    if ephemeral:
        payload["ephemeral"] = True
    return payload


def message(which: Message, *, readable: bool = True) -> Json:
    """A message object; not `readable` hides what needs the message content intent."""
    users = which.channel.world.users
    payload: Json = {
        "id": str(which.id),
        "channel_id": str(which.channel.id),
        "author": user(which.author),
        "type": which.type,
        "content": which.content if readable else "",
        "embeds": which.embeds if readable else [],
        "components": which.components if readable else [],
        "attachments": [
            attachment(each, ephemeral=which.ephemeral) for each in which.attachments if readable
        ],
        "timestamp": stamp(which.created),
        "edited_timestamp": stamp(which.edited),
        "flags": which.flags,
        "mentions": [user(users[int(id_)]) for id_ in which.pings if _known(id_, users)],
        "mention_roles": [id_ for id_ in which.pings if id_.isdigit() and not _known(id_, users)],
        "mention_everyone": "everyone" in which.pings,
        "pinned": False,
        "tts": False,
    }
    if which.nonce is not None:
        payload["nonce"] = which.nonce
    if which.interaction is not None:
        used = which.interaction
        payload["application_id"] = payload["webhook_id"] = str(used.application_id)
        payload["interaction_metadata"] = used.metadata()
        if used.type == 2:
            payload["interaction"] = {
                "id": str(used.id),
                "type": used.type,
                "name": used.name,
                "user": user(used.person.user),
            }
    if which.reference is not None:
        payload["message_reference"] = {
            "type": 0,
            "channel_id": str(which.reference.channel.id),
            "message_id": str(which.reference.id),
        }
        if which.channel.guild is not None:
            payload["message_reference"]["guild_id"] = str(which.channel.guild.id)
        referenced = which.reference
        if which.type == 19:
            payload["referenced_message"] = (
                None
                if referenced.deleted
                else {
                    key: value
                    for key, value in message(referenced, readable=_readable(referenced)).items()
                    if key not in ("message_reference", "referenced_message")
                }
            )
    return payload


def _readable(which: Message) -> bool:
    """Whether the bot may read it without the message content intent."""
    bot = which.channel.world.bot
    return which.author is bot or which.channel.guild is None or str(bot.id) in which.pings


def _known(id_: str, users: dict[int, User]) -> bool:
    return id_.isdigit() and int(id_) in users
