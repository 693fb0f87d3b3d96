"""Applies the settings about painting. Each returns the sentence for the audit log."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import discord

from cogs.context import Interaction
from cogs.discord_settings import UNLIMITED
from cogs.markdown import escaped
from cogs.policy.access import Refused
from cogs.policy.contexts import scope_of
from cogs.policy.server_settings import ServerSettings, change_server_settings
from cogs.settings.items import MAX_OPTIONS, Selection
from engine import ModelDefaults
from speech import join_list, say, say_many

UNSET = "owner"
"""The value of the options that reset a setting."""

MAX_ROLE_LIMITS = 25
"""Roles that can have their own hourly limit in a server."""

ApplySelection = Callable[[Interaction, Selection], Awaitable[str]]


async def _set_channels(interaction: Interaction, selection: Selection) -> str:
    """Apply only what the user added and removed: others may have changed the rest meanwhile."""
    values, shown = set(map(int, selection.values)), set(map(int, selection.shown))
    guild = guild_of(interaction)

    def change(settings: ServerSettings) -> ServerSettings:
        chosen = {*settings.channels, *values} - (shown - values)
        existing = (each for each in chosen if guild.get_channel(each))
        return replace(settings, channels=tuple(sorted(existing)))

    settings = await change_settings(interaction, change)
    if not settings.channels:
        return say("allowed painting in all channels")
    mentions = join_list([f"<#{channel}>" for channel in settings.channels[:MAX_OPTIONS]])
    return say("allowed painting only in {channels}", channels=mentions)


async def _set_model(interaction: Interaction, selection: Selection) -> str:
    await interaction.response.defer()  # checking its files can take a while
    [name] = selection.values
    model = await interaction.client.studio.use_model(name, scope_of(interaction))
    return say("set the model to {model}", model=escaped(model.name))


async def _set_size(interaction: Interaction, selection: Selection) -> str:
    [size], model = selection.values, selection.detail
    width, height = (None, None) if size == UNSET else map(int, size.split("x"))

    def change(defaults: ModelDefaults) -> ModelDefaults:
        return replace(defaults, width=width, height=height)

    server_models = interaction.client.studio.server_models
    await server_models.change_defaults(scope_of(interaction), model, change)
    if width is None:
        return say("reset the size of {model}", model=escaped(model))
    return say(
        "set the size of {model} to {width}×{height}",
        model=escaped(model),
        width=width,
        height=height,
    )


async def _set_hourly_limit(interaction: Interaction, selection: Selection) -> str:
    [value] = selection.values
    limit = None if value == UNSET else int(value)
    await change_settings(interaction, lambda settings: replace(settings, pictures_per_hour=limit))
    if limit is None:
        return say("reset the hourly limit for members to the bot owner's")
    return say_many(
        "limited members to {number} picture an hour",
        "limited members to {number} pictures an hour",
        limit,
    )


async def _set_role_limit(interaction: Interaction, selection: Selection) -> str:
    [value], role = selection.values, int(selection.detail)
    if guild_of(interaction).get_role(role) is None:
        raise Refused(say("This role no longer exists. Choose another."))
    if value == UNSET:
        await change_settings(interaction, lambda settings: _without_role(settings, role))
        return say("reset the hourly limit of {role} to that of all members", role=f"<@&{role}>")

    def change(settings: ServerSettings) -> ServerSettings:
        existing = {
            each: n for each, n in settings.roles.items() if guild_of(interaction).get_role(each)
        }
        roles = existing | {role: int(value)}
        if len(roles) > MAX_ROLE_LIMITS:
            raise Refused(
                say(
                    "{most} roles already have their own limit. Reset one of them first.",
                    most=MAX_ROLE_LIMITS,
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


async def _set_trainers(interaction: Interaction, selection: Selection) -> str:
    """Apply only what the user added and removed, as `_set_channels` does."""
    values, shown = set(map(int, selection.values)), set(map(int, selection.shown))
    guild = guild_of(interaction)

    def change(settings: ServerSettings) -> ServerSettings:
        chosen = {*settings.trainers, *values} - (shown - values)
        existing = (each for each in chosen if guild.get_role(each))
        return replace(settings, trainers=tuple(sorted(existing)))

    settings = await change_settings(interaction, change)
    if not settings.trainers:
        return say("allowed training LoRAs to moderators only")
    mentions = join_list([f"<@&{role}>" for role in settings.trainers[:MAX_OPTIONS]])
    return say("allowed training LoRAs to {roles}", roles=mentions)


def _without_role(settings: ServerSettings, role: int) -> ServerSettings:
    return replace(settings, roles={k: n for k, n in settings.roles.items() if k != role})


PAINTING_CHANGES: dict[str, ApplySelection] = {
    "channels": _set_channels,
    "model": _set_model,
    "size": _set_size,
    "pace": _set_hourly_limit,
    "rolepace": _set_role_limit,
    "trainers": _set_trainers,
}
"""By the name of the setting: applies a selection and returns the audit log's sentence."""


async def change_settings(
    interaction: Interaction, change: Callable[[ServerSettings], ServerSettings]
) -> ServerSettings:
    """Apply `change` to the server's settings; the new settings."""
    studio = interaction.client.studio
    return await change_server_settings(studio, scope_of(interaction), change)


def guild_of(interaction: Interaction) -> discord.Guild:
    """The server of the panel."""
    assert interaction.guild is not None, "the panel is for servers"
    return interaction.guild
