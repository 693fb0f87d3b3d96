"""Syncs the commands with Discord, only when they or their translations have changed."""

import hashlib
import json
import logging

import discord

from cogs.context import EVERYWHERE, Client, CommandIds

log = logging.getLogger(__name__)


async def sync_commands(bot: Client) -> CommandIds:
    """Sync the command tree, globally or to the servers in the setting `sync_guilds`.

    Servers that had the commands and shouldn't any more lose them.

    Returns:
        The IDs of the commands, by server (or `EVERYWHERE`) and name.
    """
    translator = bot.tree.translator
    assert translator is not None, "it is set before the commands are synced"
    payloads = [
        await command.get_translated_payload(bot.tree, translator)
        for command in bot.tree.get_commands()
    ]
    text = json.dumps(payloads, sort_keys=True, default=str)
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    wanted = dict.fromkeys(bot.settings.sync_guilds or (EVERYWHERE,), fingerprint)
    key = f"commands:{bot.application_id}"
    synced, ids = _parse_synced(await bot.studio.preferences.get("discord", key))
    for guild_id in [guild_id for guild_id in synced if guild_id not in wanted]:
        await _clear(bot, guild_id)
        del synced[guild_id], ids[guild_id]
    for guild_id in [guild_id for guild_id in wanted if synced.get(guild_id) != fingerprint]:
        if (command_ids := await _sync(bot, guild_id)) is not None:
            synced[guild_id], ids[guild_id] = fingerprint, command_ids
    stored = {
        guild_id: {"fingerprint": synced[guild_id], "ids": ids[guild_id]} for guild_id in synced
    }
    await bot.studio.preferences.set("discord", key, json.dumps(stored))
    return ids


def _parse_synced(text: str | None) -> tuple[dict[int, str], CommandIds]:
    """The fingerprints and the command IDs of the last sync, by server (or `EVERYWHERE`).

    Older versions stored no IDs; there the fingerprint is empty, which makes them sync again.
    """
    try:
        stored = {int(guild_id): value for guild_id, value in json.loads(text or "{}").items()}
    except (ValueError, AttributeError, TypeError):
        log.error("What was synced before can't be read: syncing again")
        stored = {}
    known = {key: value if isinstance(value, dict) else {} for key, value in stored.items()}
    fingerprints = {key: value.get("fingerprint", "") for key, value in known.items()}
    return fingerprints, {key: value.get("ids", {}) for key, value in known.items()}


async def _sync(bot: Client, guild_id: int) -> dict[str, int] | None:
    """The command IDs by name; `None` when the bot isn't on that server."""
    guild = discord.Object(guild_id) if guild_id else None
    if guild is not None:
        bot.tree.copy_global_to(guild=guild)
    try:
        commands = await bot.tree.sync(guild=guild)
    except (discord.Forbidden, discord.NotFound):
        if guild is None:
            raise
        log.error("The bot isn't on server %d, which the setting sync_guilds names", guild_id)
        return None
    log.info(
        "Synced %d commands %s", len(commands), f"to server {guild_id}" if guild_id else "globally"
    )
    return {command.name: command.id for command in commands}


async def _clear(bot: Client, guild_id: int) -> None:
    assert bot.application_id is not None, "it is known after the login"
    if not guild_id:
        await bot.http.bulk_upsert_global_commands(bot.application_id, payload=[])
        return
    try:
        await bot.http.bulk_upsert_guild_commands(bot.application_id, guild_id, payload=[])
    except (discord.Forbidden, discord.NotFound):
        log.info("The bot is no longer on server %d", guild_id)
