"""What the selects about painting change; every change is a line for the audit log."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import discord

from cogs.context import Interaction
from cogs.discord_settings import UNLIMITED
from cogs.policy.access import Refused
from cogs.policy.contexts import scope_of
from cogs.policy.server_settings import ServerSettings, change_server_settings
from cogs.settings.items import MOST_OPTIONS, Selection
from engine import ModelDefaults
from speech import listed, say, say_many

UNCHANGED = "owner"
"""The value that stands for what holds where the server decides nothing."""

MOST_ROLES = 25
"""Roles with numbers of their own in a server."""

Change = Callable[[Interaction, Selection], Awaitable[str]]


async def _channels(interaction: Interaction, picked: Selection) -> str:
    """Lay on what was added and taken away: others may have changed the rest meanwhile."""
    values, shown = set(map(int, picked.values)), set(map(int, picked.shown))
    guild = guild_of(interaction)

    def change(settings: ServerSettings) -> ServerSettings:
        wanted = {*settings.channels, *values} - (shown - values)
        there = (each for each in wanted if guild.get_channel(each))
        return replace(settings, channels=tuple(sorted(there)))

    settings = await change_settings(interaction, change)
    if not settings.channels:
        return say("allowed painting in all channels")
    named = listed([f"<#{channel}>" for channel in settings.channels[:MOST_OPTIONS]])
    return say("allowed painting only in {channels}", channels=named)


async def _model(interaction: Interaction, picked: Selection) -> str:
    await interaction.response.defer()  # its files are looked at, on the Hub maybe
    [name] = picked.values
    model = await interaction.client.studio.use_model(name, scope_of(interaction))
    return say("set the model to {model}", model=model.name)


async def _size(interaction: Interaction, picked: Selection) -> str:
    [size], model = picked.values, picked.detail
    width, height = (None, None) if size == UNCHANGED else map(int, size.split("x"))

    def change(defaults: ModelDefaults) -> ModelDefaults:
        return replace(defaults, width=width, height=height)

    rules = interaction.client.studio.server_models
    await rules.change_defaults(scope_of(interaction), model, change)
    if width is None:
        return say("reset the size of {model}", model=model)
    return say(
        "set the size of {model} to {width}×{height}", model=model, width=width, height=height
    )


async def _pace(interaction: Interaction, picked: Selection) -> str:
    [value] = picked.values
    pace = None if value == UNCHANGED else int(value)
    await change_settings(interaction, lambda settings: replace(settings, pictures_per_hour=pace))
    if pace is None:
        return say("reset the hourly limit for members to the bot owner's")
    return say_many(
        "limited members to {number} picture an hour",
        "limited members to {number} pictures an hour",
        pace,
    )


async def _role_pace(interaction: Interaction, picked: Selection) -> str:
    [value], role = picked.values, int(picked.detail)
    if guild_of(interaction).get_role(role) is None:
        raise Refused(say("This role no longer exists. Choose another."))
    if value == UNCHANGED:
        await change_settings(interaction, lambda settings: _without(settings, role))
        return say("reset the hourly limit of {role} to that of all members", role=f"<@&{role}>")

    def change(settings: ServerSettings) -> ServerSettings:
        there = {
            each: n for each, n in settings.roles.items() if guild_of(interaction).get_role(each)
        }
        roles = there | {role: int(value)}
        if len(roles) > MOST_ROLES:
            raise Refused(
                say(
                    "{most} roles already have their own limit. Reset one of them first.",
                    most=MOST_ROLES,
                )
            )
        return replace(settings, roles=roles)

    await change_settings(interaction, change)
    if int(value) == UNLIMITED:
        return say("set the hourly limit of {role} to the bot owner's maximum", role=f"<@&{role}>")
    return say_many(
        "limited {role} to {number} picture an hour",
        "limited {role} to {number} pictures an hour",
        int(value),
        role=f"<@&{role}>",
    )


def _without(settings: ServerSettings, role: int) -> ServerSettings:
    return replace(settings, roles={k: n for k, n in settings.roles.items() if k != role})


CHANGES: dict[str, Change] = {
    "channels": _channels,
    "model": _model,
    "size": _size,
    "pace": _pace,
    "rolepace": _role_pace,
}
"""By the name of the select: does what was picked, and tells it for the audit log."""


async def change_settings(
    interaction: Interaction, change: Callable[[ServerSettings], ServerSettings]
) -> ServerSettings:
    """Change what the server has decided; all of it then."""
    studio = interaction.client.studio
    return await change_server_settings(studio, scope_of(interaction), change)


def guild_of(interaction: Interaction) -> discord.Guild:
    """The server whose panel it is."""
    assert interaction.guild is not None, "the panel is for servers"
    return interaction.guild
