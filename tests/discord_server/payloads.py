"""How Discord writes down users, members, roles, channels and guilds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .errors import Json
from .permissions import in_channel

if TYPE_CHECKING:
    from .guilds import Channel, Guild, Member, Role, User

JOINED = "2024-01-01T00:00:00.000000+00:00"
CHANNEL_TYPES = {"text": 0, "dm": 1, "group": 3, "thread": 11}


def stamp(moment: datetime | None) -> str | None:
    """A moment in ISO 8601, as Discord writes it."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")


def user(who: User) -> Json:
    """A user object."""
    return {
        "id": str(who.id),
        "username": who.name,
        "global_name": None if who.bot else who.name.title(),
        "avatar": None,
        "discriminator": "0",
        "public_flags": 0,
        "flags": 0,
        "bot": who.bot,
        "banner": None,
        "accent_color": None,
        "avatar_decoration_data": None,
        "collectibles": None,
        "primary_guild": None,
    }


def member(who: Member, channel: Channel | None = None, *, with_user: bool = True) -> Json:
    """A guild member; with `permissions` where a channel is given (interactions)."""
    payload: Json = {
        "avatar": None,
        "banner": None,
        "communication_disabled_until": None,
        "flags": 0,
        "joined_at": JOINED,
        "nick": None,
        "pending": False,
        "premium_since": None,
        "roles": [str(role.id) for role in who.roles],
        "mute": False,
        "deaf": False,
    }
    if with_user:
        payload["user"] = user(who.user)
    if channel is not None:
        payload["permissions"] = str(in_channel(channel, who).value)
    return payload


def role(which: Role) -> Json:
    """A role object."""
    payload: Json = {
        "id": str(which.id),
        "name": which.name,
        "description": None,
        "permissions": str(which.permissions.value),
        "position": which.position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": which.bot_id is not None,
        "mentionable": False,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }
    if which.bot_id is not None:
        payload["tags"] = {"bot_id": str(which.bot_id)}
    return payload


def channel(which: Channel) -> Json:
    """A channel object of its kind."""
    last = which.history[-1].id if which.history else None
    payload: Json = {
        "id": str(which.id),
        "type": CHANNEL_TYPES[which.kind],
        "last_message_id": None if last is None else str(last),
        "flags": 0,
    }
    if which.recipient is not None:
        payload["recipients"] = [user(which.recipient)]
        return payload
    if which.kind == "group":
        people = [user(each) for each in which.people]
        owner = people[0]["id"]
        return payload | {
            "recipients": people,
            "name": which.name,
            "icon": None,
            "owner_id": owner,
            "managed": False,
        }
    assert which.guild is not None
    payload |= {
        "guild_id": str(which.guild.id),
        "name": which.name,
        "parent_id": str(which.parent.id) if which.parent else None,
        "rate_limit_per_user": 0,
    }
    if which.kind == "thread":
        payload |= {
            "owner_id": str(which.guild.owner.user.id if which.guild.owner else 0),
            "message_count": len(which.messages),
            "member_count": 1,
            "total_message_sent": len(which.history),
            "thread_metadata": {
                "archived": which.archived,
                "auto_archive_duration": 1440,
                "archive_timestamp": JOINED,
                "locked": which.locked,
                "create_timestamp": JOINED,
            },
        }
        return payload
    return payload | {
        "position": 0,
        "topic": None,
        "nsfw": which.nsfw,
        "permission_overwrites": [
            {
                "id": str(id_),
                "type": each.kind,
                "allow": str(each.allow.value),
                "deny": str(each.deny.value),
            }
            for id_, each in which.overwrites.items()
        ],
    }


def guild(which: Guild) -> Json:
    """A guild as GET /guilds/{id} answers."""
    owner = which.owner
    return {
        "id": str(which.id),
        "name": which.name,
        "icon": None,
        "description": None,
        "home_header": None,
        "splash": None,
        "discovery_splash": None,
        "features": [],
        "banner": None,
        "owner_id": str(owner.user.id if owner else 0),
        "application_id": None,
        "region": "deprecated",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "system_channel_id": str(which.system_channel.id) if which.system_channel else None,
        "system_channel_flags": 0,
        "widget_enabled": False,
        "widget_channel_id": None,
        "verification_level": 0,
        "roles": [role(each) for each in which.roles.values()],
        "default_message_notifications": 1,
        "mfa_level": 0,
        "explicit_content_filter": 0,
        "max_presences": None,
        "max_members": 500000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "vanity_url_code": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": which.locale,
        "rules_channel_id": None,
        "safety_alerts_channel_id": None,
        "public_updates_channel_id": None,
        "premium_progress_bar_enabled": False,
        "premium_progress_bar_enabled_user_updated_at": None,
        "nsfw": False,
        "nsfw_level": 0,
        "emojis": [],
        "stickers": [],
        "incidents_data": None,
    }


def guild_create(which: Guild) -> Json:
    """A guild as the gateway sends it: without privileged intents only the bot is a member."""
    channels = [channel(each) for each in which.channels.values() if each.kind == "text"]
    threads = [channel(each) for each in which.channels.values() if each.kind == "thread"]
    return guild(which) | {
        "joined_at": JOINED,
        "large": False,
        "unavailable": False,
        "member_count": len(which.members),
        "voice_states": [],
        "members": [member(which.bot)],
        "channels": channels,
        "threads": threads,
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }
