"""The first minute in a new server."""

from __future__ import annotations

import logging

import pytest

from tests.cogs.app import App, until
from tests.discord_server.guilds import Guild


def two_rooms(guild: Guild) -> None:
    """A channel for everything, and below it one that the system writes in."""
    guild.add_channel("hall")
    guild.system_channel = guild.add_channel("news")


async def test_the_bot_introduces_itself_where_the_system_speaks(app: App) -> None:
    async with app.open() as bot:
        await bot.wait_until_ready()
        guild = app.discord.add_guild("Poets", add_features=two_rooms)
        hall, news = guild.channels.values()
        [message] = await app.discord.until(lambda: news.messages)
        imagine = f"</imagine:{bot.command_ids[0]['imagine']}>"
        assert message.text().count(f"• {imagine} `") == 3
        assert "Manage Server" in message.text()
        assert not hall.messages
    assert not app.art.messages  # it was there before


async def test_where_it_may_not_speak_it_takes_the_first_channel_where_it_may(
    app: App,
) -> None:
    def add_features(guild: Guild) -> None:
        guild.add_channel("rules").deny_bot("send_messages")
        guild.add_channel("hall")
        guild.system_channel = guild.add_channel("news")
        guild.system_channel.deny_bot("view_channel")

    async with app.open() as bot:
        await bot.wait_until_ready()
        guild = app.discord.add_guild("Poets", add_features=add_features)
        rules, hall, news = guild.channels.values()
        await app.discord.until(lambda: hall.messages)
        assert not rules.messages
        assert not news.messages


async def test_nobody_is_greeted_twice(app: App) -> None:
    async with app.open() as bot:
        await bot.wait_until_ready()
        guild = app.discord.add_guild("Poets", add_features=two_rooms)
        await app.discord.until(lambda: guild.system_channel and guild.system_channel.messages)
        known = bot.get_guild(guild.id)
        assert known is not None
        cog = bot.get_cog("Welcome")
        await cog.on_guild_join(known)  # type: ignore[union-attr]
        assert sum(len(channel.messages) for channel in guild.channels.values()) == 1


async def test_where_it_may_speak_nowhere_it_stays_silent(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    def add_features(guild: Guild) -> None:
        guild.add_channel("rules").deny_bot("send_messages")

    async def logged() -> bool:
        return "can't post in any of its channels" in caplog.text

    caplog.set_level(logging.INFO, "cogs.about.welcome")
    async with app.open() as bot:
        await bot.wait_until_ready()
        guild = app.discord.add_guild("Poets", add_features=add_features)
        await until(logged, bool)
        assert not any(channel.messages for channel in guild.channels.values())
