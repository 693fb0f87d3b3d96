"""The connection breaks while jobs run: what was asked for arrives all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.discord_server import DiscordServer

from tests.cogs.app import House


@pytest.mark.parametrize("resumable", [True, False], ids=["resumed", "invalid session"])
async def test_a_dropped_gateway_loses_no_job_and_no_click(house: House, resumable: bool) -> None:
    async with house.open() as bot:
        blocker = await house.occupy()
        message = await house.ask(house.alice)
        await house.discord.drop_gateway(resumable=resumable)
        await bot.studio.cancel(1)
        await house.done(message)
        await house.discord.ready()
        again = await (await house.bob.click(message, label="Again")).message()
        await house.done(again)
        await house.done(blocker)
        assert house.art.messages == [blocker, message, again]


async def test_discord_asks_to_reconnect_while_a_job_runs(house: House) -> None:
    async with house.open() as bot:
        blocker = await house.occupy()
        old = house.discord.gateway.live[0].connection
        house.discord.ask_to_reconnect()
        await house.discord.until(
            lambda: [each for each in house.discord.gateway.live if each.connection is not old]
        )
        await bot.studio.cancel(1)
        await house.done(blocker)
        await house.painted(house.alice)


async def test_commands_work_in_the_guilds_of_both_shards(weights: Path, tmp_path: Path) -> None:
    async with DiscordServer(shards=2) as discord:
        house = House(discord, weights, tmp_path / "data")
        second = discord.add_guild("Poets")
        while (second.id >> 22) % 2 == (house.guild.id >> 22) % 2:
            house.guild.add_role("a number is used up")
            second = discord.add_guild("Poets")
        den, zoe = second.add_channel("den"), second.add_member("zoe")
        async with house.open() as bot:
            for who, where in ((house.alice, house.art), (zoe, den)):
                message = await house.painted(who, where=where)
                assert where.messages == [message]
            await discord.drop_gateway(shard=(second.id >> 22) % 2)
            message = await house.painted(house.alice)
            await discord.ready()
            await house.painted(zoe, where=den)
            await house.settled(bot)
