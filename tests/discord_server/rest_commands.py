"""Routes that register application commands, globally and in one guild."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from .command_rules import check_command, check_commands
from .errors import ApiError, Json, Problem, invalid_form, unknown
from .routes import Call, Reply, Routes
from .world import World

routes = Routes()
GLOBAL = "/applications/{application_id}/commands"
GUILD = "/applications/{application_id}/guilds/{guild_id}/commands"


def _scope(call: Call) -> int | None:
    """The guild the route is about, None for global commands; only one's own application."""
    if call.id("application_id") != call.world.application_id:
        raise ApiError(403, 20012, "You are not authorized to perform this action on this app")
    if "guild_id" not in call.params:
        return None
    return call.world.guild(call.id("guild_id")).id


def _registered(world: World, guild_id: int | None, command: Json, old: Json | None) -> Json:
    """A command as Discord stores it; a new version only when something changed."""
    kind = command.get("type") or 1
    permissions = command.get("default_member_permissions")
    stored: Json = {
        "application_id": str(world.application_id),
        "type": kind,
        "name": command["name"],
        "name_localizations": command.get("name_localizations") or None,
        "description": command.get("description") or "",
        "description_localizations": command.get("description_localizations") or None,
        "default_member_permissions": None if permissions is None else str(permissions),
        "integration_types": command.get("integration_types") or list(world.installs),
        "nsfw": bool(command.get("nsfw")),
        "options": [_option(option) for option in command.get("options") or []],
    }
    if guild_id is None:
        contexts = command.get("contexts")
        if contexts is None and command.get("dm_permission") is False:
            contexts = [0]
        stored["contexts"] = contexts
        stored["dm_permission"] = contexts is None or 1 in contexts
    else:
        stored["guild_id"] = str(guild_id)
    same = old is not None and {**old, "id": 0, "version": 0} == {**stored, "id": 0, "version": 0}
    fresh = str(world.snowflakes.next())
    stored["id"] = old["id"] if old else fresh
    stored["version"] = old["version"] if same and old else fresh
    return stored


def _option(option: Json) -> Json:
    """An option without what is null or empty, names normalised."""
    kept: dict[str, Any] = {key: value for key, value in option.items() if value is not None}
    kept["name"] = unicodedata.normalize("NFC", kept["name"])
    for key in ("name_localizations", "description_localizations"):
        kept[key] = kept.get(key) or None
    if "options" in kept:
        kept["options"] = [_option(each) for each in kept["options"]]
    return {
        key: value
        for key, value in kept.items()
        if (value is not False and value != []) or (key == "options" and kept["type"] in (1, 2))
    }


def _check_places(world: World, guild_id: int | None, commands: list[Json]) -> Iterator[Problem]:
    """Commands are for installations that the application has, and those of a guild for there."""
    for index, command in enumerate(commands):
        for place, kind in enumerate(command.get("integration_types") or []):
            if kind not in world.installs:
                text = f"Value must be one of {world.installs}."
                yield Problem((index, "integration_types", place), "BASE_TYPE_CHOICES", text)
        if guild_id is not None and {1, 2} & set(command.get("contexts") or []):
            text = "Guild commands cannot be used outside of their guild."
            yield Problem((index, "contexts"), "BASE_TYPE_CHOICES", text)


def _find(commands: list[Json], id_: int) -> Json:
    for command in commands:
        if command["id"] == str(id_):
            return command
    raise unknown("application command")


def _like(commands: list[Json], command: Json) -> Json | None:
    """The registered command that this one replaces: same name, same type."""
    kind = command.get("type") or 1
    for old in commands:
        if (old["name"], old["type"]) == (command.get("name"), kind):
            return old
    return None


@routes.add("GET", GLOBAL)
@routes.add("GET", GUILD)
async def list_commands(call: Call) -> Reply:
    """All registered commands; localisations only when asked for."""
    commands = call.world.commands.get(_scope(call), [])
    if call.query.get("with_localizations", "0").lower() not in ("1", "true"):
        hidden = ("name_localizations", "description_localizations")
        commands = [
            {key: value for key, value in command.items() if key not in hidden}
            for command in commands
        ]
    return Reply(commands)


@routes.add("PUT", GLOBAL)
@routes.add("PUT", GUILD)
async def overwrite_commands(call: Call) -> Reply:
    """Replace all commands; what keeps its name and type keeps its id."""
    guild_id = _scope(call)
    problems = [*check_commands(call.body), *_check_places(call.world, guild_id, call.body)]
    if problems:
        raise invalid_form(problems)
    old = call.world.commands.get(guild_id, [])
    stored = [
        _registered(call.world, guild_id, command, _like(old, command)) for command in call.body
    ]
    call.world.commands[guild_id] = stored
    call.world.changes.ring()
    return Reply(stored)


@routes.add("POST", GLOBAL)
@routes.add("POST", GUILD)
async def create_command(call: Call) -> Reply:
    """Register one command, over the one with its name and type if there is one."""
    guild_id = _scope(call)
    problems = list(check_command((), call.body))
    if problems:
        raise invalid_form(problems)
    commands = call.world.commands.setdefault(guild_id, [])
    old = _like(commands, call.body)
    stored = _registered(call.world, guild_id, call.body, old)
    if old is not None:
        commands.remove(old)
    commands.append(stored)
    call.world.changes.ring()
    return Reply(stored, 200 if old else 201)


@routes.add("GET", GLOBAL + "/{command_id}")
@routes.add("GET", GUILD + "/{command_id}")
async def get_command(call: Call) -> Reply:
    """One command."""
    return Reply(_find(call.world.commands.get(_scope(call), []), call.id("command_id")))


@routes.add("PATCH", GLOBAL + "/{command_id}")
@routes.add("PATCH", GUILD + "/{command_id}")
async def edit_command(call: Call) -> Reply:
    """Change one command."""
    guild_id = _scope(call)
    commands = call.world.commands.get(guild_id, [])
    old = _find(commands, call.id("command_id"))
    changed = old | call.body
    problems = list(check_command((), changed))
    if problems:
        raise invalid_form(problems)
    stored = _registered(call.world, guild_id, changed, old)
    commands[commands.index(old)] = stored
    call.world.changes.ring()
    return Reply(stored)


@routes.add("DELETE", GLOBAL + "/{command_id}")
@routes.add("DELETE", GUILD + "/{command_id}")
async def delete_command(call: Call) -> Reply:
    """Take one command away."""
    commands = call.world.commands.get(_scope(call), [])
    commands.remove(_find(commands, call.id("command_id")))
    call.world.changes.ring()
    return Reply()
