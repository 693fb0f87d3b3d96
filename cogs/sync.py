"""Telling Discord which commands there are: only when they have changed."""

import hashlib
import json
import logging
from typing import TYPE_CHECKING

import discord

if TYPE_CHECKING:
    from cogs.bot import Atelier

log = logging.getLogger(__name__)

EVERYWHERE = 0
"""Stands for all servers where the id of one server could stand."""


async def sync_commands(bot: "Atelier") -> None:
    """Sync the command tree, globally or to the servers in the setting `sync_guilds`.

    Places that had the commands and are no longer to have them lose them.
    """
    described = [command.to_dict(bot.tree) for command in bot.tree.get_commands()]
    text = json.dumps(described, sort_keys=True, default=str)
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    wanted = dict.fromkeys(bot.settings.sync_guilds or (EVERYWHERE,), fingerprint)
    key = f"commands:{bot.application_id}"
    remembered = json.loads(await bot.studio.preferences.get("discord", key) or "{}")
    synced: dict[int, str] = {int(place): what for place, what in remembered.items()}
    for place in [place for place in synced if place not in wanted]:
        await _clear(bot, place)
        del synced[place]
    for place in [place for place in wanted if synced.get(place) != fingerprint]:
        if await _sync(bot, place):
            synced[place] = fingerprint
    await bot.studio.preferences.set("discord", key, json.dumps(synced))


async def _sync(bot: "Atelier", place: int) -> bool:
    guild = discord.Object(place) if place else None
    if guild is not None:
        bot.tree.copy_global_to(guild=guild)
    try:
        commands = await bot.tree.sync(guild=guild)
    except (discord.Forbidden, discord.NotFound):
        if guild is None:
            raise
        log.error("The setting sync_guilds names %d: the bot is not on that server", place)
        return False
    log.info("Synced %d commands %s", len(commands), f"to server {place}" if place else "globally")
    return True


async def _clear(bot: "Atelier", place: int) -> None:
    assert bot.application_id is not None, "the login has told it"
    if not place:
        await bot.http.bulk_upsert_global_commands(bot.application_id, payload=[])
        return
    try:
        await bot.http.bulk_upsert_guild_commands(bot.application_id, place, payload=[])
    except (discord.Forbidden, discord.NotFound):
        log.info("The bot is no longer on server %d", place)
