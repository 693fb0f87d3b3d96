"""Routes about guilds, members, roles and users."""

from __future__ import annotations

from . import payloads
from .errors import ApiError, Problem, invalid_form, unknown
from .routes import Call, Reply, Routes

routes = Routes()


@routes.add("GET", "/guilds/{guild_id}")
async def get_guild(call: Call) -> Reply:
    """A guild."""
    guild = call.world.guild(call.id("guild_id"))
    payload = payloads.guild(guild)
    if call.query.get("with_counts", "").lower() in ("1", "true"):
        count = len(guild.members)
        payload |= {"approximate_member_count": count, "approximate_presence_count": count}
    return Reply(payload)


@routes.add("GET", "/guilds/{guild_id}/roles")
async def get_roles(call: Call) -> Reply:
    """The roles of a guild."""
    guild = call.world.guild(call.id("guild_id"))
    return Reply([payloads.role(role) for role in guild.roles.values()])


@routes.add("GET", "/guilds/{guild_id}/members/{user_id}")
async def get_member(call: Call) -> Reply:
    """A member of a guild."""
    member = call.world.guild(call.id("guild_id")).members.get(call.id("user_id"))
    if member is None:
        raise unknown("Member")
    return Reply(payloads.member(member))


@routes.add("GET", "/users/{user_id}")
async def get_user(call: Call) -> Reply:
    """Any account."""
    user = call.world.users.get(call.id("user_id"))
    if user is None:
        raise unknown("User")
    return Reply(payloads.user(user))


@routes.add("POST", "/users/@me/channels")
async def open_dm(call: Call) -> Reply:
    """The conversation with a user, opened if need be."""
    recipient = call.body.get("recipient_id")
    if recipient is None:
        problem = Problem(("recipient_id",), "BASE_TYPE_REQUIRED", "This field is required")
        raise invalid_form([problem])
    user = call.world.users.get(int(recipient))
    if user is None:
        raise unknown("User")
    if user.bot:
        raise ApiError(403, 50007, "Cannot send messages to this user")
    return Reply(payloads.channel(call.world.dm_with(user)))
