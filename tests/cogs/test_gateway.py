"""The connection breaks while jobs run: what was asked for arrives all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cogs.app import App
from tests.discord_server import DiscordServer


@pytest.mark.parametrize("resumable", [True, False], ids=["resumed", "invalid session"])
async def test_a_dropped_gateway_loses_no_job_and_no_click(app: App, resumable: bool) -> None:
    async with app.open() as bot:
        blocker = await app.occupy()
        message = await app.ask(app.alice)
        await app.discord.drop_gateway(resumable=resumable)
        await bot.studio.cancel(1)
        await app.done(message)
        await app.discord.ready()
        again = await (await app.bob.click(message, label="Again")).message()
        await app.done(again)
        await app.done(blocker)
        assert app.art.messages == [blocker, message, again]


async def test_discord_asks_to_reconnect_while_a_job_runs(app: App) -> None:
    async with app.open() as bot:
        blocker = await app.occupy()
        old = app.discord.gateway.live[0].connection
        app.discord.ask_to_reconnect()
        await app.discord.until(
            lambda: [each for each in app.discord.gateway.live if each.connection is not old]
        )
        await bot.studio.cancel(1)
        await app.done(blocker)
        await app.painted(app.alice)


async def test_commands_work_in_the_guilds_of_both_shards(weights: Path, tmp_path: Path) -> None:
    async with DiscordServer(shards=2) as discord:
        app = App(discord, weights, tmp_path / "data")
        second = discord.add_guild("Poets")
        while (second.id >> 22) % 2 == (app.guild.id >> 22) % 2:
            app.guild.add_role("a number is used up")
            second = discord.add_guild("Poets")
        den, zoe = second.add_channel("den"), second.add_member("zoe")
        async with app.open() as bot:
            for who, where in ((app.alice, app.art), (zoe, den)):
                message = await app.painted(who, where=where)
                assert where.messages == [message]
            await discord.drop_gateway(shard=(second.id >> 22) % 2)
            message = await app.painted(app.alice)
            await discord.ready()
            await app.painted(zoe, where=den)
            await app.settled(bot)
