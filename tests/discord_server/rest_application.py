"""Routes about the bot itself: gateway address, account, application."""

from __future__ import annotations

from . import payloads
from .errors import Json
from .guilds import User
from .routes import Call, Reply, Routes
from .world import World

routes = Routes()


@routes.add("GET", "/gateway", authorized=False)
async def get_gateway(call: Call) -> Reply:
    """Where the gateway is."""
    return Reply({"url": call.world.gateway_url})


@routes.add("GET", "/gateway/bot")
async def get_gateway_bot(call: Call) -> Reply:
    """Where the gateway is and how many shards to open."""
    limit = {"total": 1000, "remaining": 999, "reset_after": 14_400_000, "max_concurrency": 1}
    world = call.world
    return Reply({"url": world.gateway_url, "shards": world.shards, "session_start_limit": limit})


@routes.add("GET", "/users/@me")
async def get_own_user(call: Call) -> Reply:
    """The bot's account."""
    return Reply(own_user(call.world))


def own_user(world: World) -> Json:
    """The bot's account with what only it may see."""
    private = {"mfa_enabled": True, "locale": "en-US", "verified": True, "email": None}
    return payloads.user(world.bot) | private


def application(world: World) -> Json:
    """The application object."""
    owner = world.user_named("developer", "en-US")
    return {
        "id": str(world.application_id),
        "name": world.bot.name.title(),
        "icon": None,
        "description": "",
        "type": None,
        "bot": payloads.user(world.bot),
        "summary": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "integration_types_config": {str(kind): {} for kind in world.installs},
        "verify_key": "0" * 64,
        "flags": 0,
        "flags_new": "0",
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": payloads.user(world.user_named("team", "en-US") if world.team else owner),
        "approximate_guild_count": len(world.guilds),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "event_webhooks_url": None,
        "event_webhooks_status": 1,
        "event_webhooks_types": [],
        "explicit_content_filter": 0,
        "team": _team(world, owner) if world.team else None,
        "eligible_oauth2_scopes": [],
    }


def _team(world: World, owner: User) -> Json:
    """The team object; its owner is a member too, with the role of an admin."""
    people = {owner.name: "admin"} | world.team
    members = [(world.user_named(name, "en-US"), role) for name, role in people.items()]
    number = str(world.application_id + 1)
    return {
        "id": number,
        "name": "The painters",
        "icon": None,
        "owner_user_id": str(owner.id),
        "members": [
            {
                "membership_state": 2,
                "team_id": number,
                "user": payloads.user(user),
                "role": role,
            }
            for user, role in members
        ],
    }


@routes.add("GET", "/applications/@me")
@routes.add("GET", "/oauth2/applications/@me")
async def get_application(call: Call) -> Reply:
    """The application, as its own bot sees it."""
    return Reply(application(call.world))
