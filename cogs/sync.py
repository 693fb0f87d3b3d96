"""Telling Discord which commands there are: only when they, or their translations, changed."""

import hashlib
import json
import logging

import discord

from cogs.context import EVERYWHERE, Client, CommandIds

log = logging.getLogger(__name__)


async def sync_commands(bot: Client) -> CommandIds:
    """Sync the command tree, globally or to the servers in the setting `sync_guilds`.

    Places that had the commands and are no longer to have them lose them.

    Returns:
        The ids of the commands in the places that have them.
    """
    names = bot.tree.translator
    assert names is not None, "commands have names in each language"
    described = [
        await command.get_translated_payload(bot.tree, names) for command in bot.tree.get_commands()
    ]
    text = json.dumps(described, sort_keys=True, default=str)
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    wanted = dict.fromkeys(bot.settings.sync_guilds or (EVERYWHERE,), fingerprint)
    key = f"commands:{bot.application_id}"
    synced, ids = _read(await bot.studio.preferences.get("discord", key))
    for place in [place for place in synced if place not in wanted]:
        await _clear(bot, place)
        del synced[place], ids[place]
    for place in [place for place in wanted if synced.get(place) != fingerprint]:
        if (named := await _sync(bot, place)) is not None:
            synced[place], ids[place] = fingerprint, named
    kept = {place: {"fingerprint": synced[place], "ids": ids[place]} for place in synced}
    await bot.studio.preferences.set("discord", key, json.dumps(kept))
    return ids


def _read(kept: str | None) -> tuple[dict[int, str], CommandIds]:
    """What was synced: by place the fingerprint of the commands, and their ids.

    Places that were synced by a version that kept no ids have no fingerprint.
    """
    places = {int(place): value for place, value in json.loads(kept or "{}").items()}
    known = {place: value if isinstance(value, dict) else {} for place, value in places.items()}
    prints = {place: value.get("fingerprint", "") for place, value in known.items()}
    return prints, {place: value.get("ids", {}) for place, value in known.items()}


async def _sync(bot: Client, place: int) -> dict[str, int] | None:
    """The ids by name; `None` when the bot is not there."""
    guild = discord.Object(place) if place else None
    if guild is not None:
        bot.tree.copy_global_to(guild=guild)
    try:
        commands = await bot.tree.sync(guild=guild)
    except (discord.Forbidden, discord.NotFound):
        if guild is None:
            raise
        log.error("The setting sync_guilds names %d: the bot is not on that server", place)
        return None
    log.info("Synced %d commands %s", len(commands), f"to server {place}" if place else "globally")
    return {command.name: command.id for command in commands}


async def _clear(bot: Client, place: int) -> None:
    assert bot.application_id is not None, "the login has told it"
    if not place:
        await bot.http.bulk_upsert_global_commands(bot.application_id, payload=[])
        return
    try:
        await bot.http.bulk_upsert_guild_commands(bot.application_id, place, payload=[])
    except (discord.Forbidden, discord.NotFound):
        log.info("The bot is no longer on server %d", place)
