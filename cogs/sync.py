"""Telling Discord which commands there are: only when they have changed."""

import hashlib
import json
import logging
from typing import TYPE_CHECKING

import discord

if TYPE_CHECKING:
    from cogs.bot import Atelier

log = logging.getLogger(__name__)


async def sync_commands(bot: "Atelier") -> None:
    """Sync the command tree, globally or to the servers in the setting `sync_guilds`."""
    described = [command.to_dict(bot.tree) for command in bot.tree.get_commands()]
    text = json.dumps(described, sort_keys=True, default=str)
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    guilds: list[discord.Object | None] = [discord.Object(i) for i in bot.settings.sync_guilds]
    for guild in guilds or [None]:
        key = f"commands:{bot.application_id}:{guild.id if guild else 'global'}"
        if await bot.studio.preferences.get("discord", key) == fingerprint:
            continue
        if guild is not None:
            bot.tree.copy_global_to(guild=guild)
        commands = await bot.tree.sync(guild=guild)
        await bot.studio.preferences.set("discord", key, fingerprint)
        log.info("Synced %d commands %s", len(commands), f"to {guild.id}" if guild else "globally")
