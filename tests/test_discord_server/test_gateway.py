"""The gateway: resuming, invalid sessions, shards, heartbeats, bots that die and come back."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import Process

import discord
import pytest

from tests.discord_server import DiscordServer

from .conftest import Scene
from .painter_bot import Interaction, PainterBot, running


def connections(bot: PainterBot, *events: str) -> list[str]:
    """Notes which of these events the bot has."""
    seen: list[str] = []
    for event in events:

        async def note(*_: object, event: str = event) -> None:
            seen.append(event)

        bot.add_listener(note, f"on_{event}")
    return seen


async def test_a_dropped_session_is_resumed_with_what_it_missed(scene: Scene) -> None:
    seen = connections(scene.bot, "resumed", "connect")
    await scene.discord.drop_gateway()
    await scene.alice.say(scene.alice.dm, "while you were away")
    use = await scene.alice.slash(scene.art, "imagine", prompt="x")
    assert use.failed == "The application did not respond"
    await scene.discord.ready()
    await (await scene.alice.slash(scene.art, "imagine", prompt="x")).message()
    assert "while you were away" in scene.bot.heard
    assert seen == ["resumed"]


async def test_an_invalid_session_starts_over(scene: Scene) -> None:
    seen = connections(scene.bot, "resumed", "connect")
    await scene.discord.drop_gateway(resumable=False)
    await scene.discord.ready()
    await (await scene.alice.slash(scene.art, "imagine", prompt="x")).message()
    assert seen == ["connect"]


async def test_discord_asks_to_reconnect(scene: Scene) -> None:
    seen = connections(scene.bot, "resumed", "connect")
    old = scene.discord.gateway.live[0].connection
    scene.discord.ask_to_reconnect()
    await scene.discord.until(
        lambda: [each for each in scene.discord.gateway.live if each.connection is not old]
    )
    await (await scene.alice.slash(scene.art, "imagine", prompt="x")).message()
    assert seen == ["resumed"]


async def test_the_bot_hears_of_changes(scene: Scene) -> None:
    seen = connections(
        scene.bot,
        "guild_channel_create",
        "guild_channel_delete",
        "guild_channel_update",
        "thread_create",
        "guild_remove",
        "raw_message_delete",
        "raw_message_edit",
    )

    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.send_message("x")
        await interaction.edit_original_response(content="y")

    den = scene.guild.add_channel("den")
    scene.guild.add_channel("details", kind="thread", parent=den)
    den.deny_bot("attach_files")
    scene.guild.remove_channel(den)
    scene.discord.remove_guild(scene.discord.add_guild("Short-lived"))
    message = await (await scene.alice.slash(scene.art, "act")).message()
    await scene.discord.until(lambda: message.edits)
    await scene.art.delete(message)
    await scene.alice.slash(scene.art, "act")
    assert {*seen} == {
        "guild_channel_create",
        "thread_create",
        "guild_channel_update",
        "guild_channel_delete",
        "guild_remove",
        "raw_message_edit",
        "raw_message_delete",
    }


async def test_two_shards_share_the_guilds() -> None:
    async with DiscordServer(shards=2) as server:
        guilds = [server.add_guild(name) for name in ("one", "two")]
        channels = [guild.add_channel("art") for guild in guilds]
        people = [guild.add_member("alice") for guild in guilds]
        async with running(server) as bot:
            assert {guild.shard_id for guild in bot.guilds} == {0, 1}
            for alice, channel in zip(people, channels, strict=True):
                await (await alice.slash(channel, "imagine", prompt="x")).message()
            await server.drop_gateway(shard=(guilds[1].id >> 22) % 2)
            assert (await people[1].slash(channels[1], "imagine", prompt="x")).failed
            assert (await people[0].slash(channels[0], "imagine", prompt="x")).failed is None
            await server.ready()
    assert people[0].user is people[1].user


async def test_privileged_intents_are_refused() -> None:
    async with DiscordServer() as server:
        bot = PainterBot()
        bot._connection._intents.message_content = True
        with server.expecting(4014), pytest.raises(discord.PrivilegedIntentsRequired):
            async with running(server, bot):
                raise AssertionError("it connected")


async def test_a_bot_that_stops_beating_is_a_zombie() -> None:
    async with DiscordServer(heartbeat_interval=0.1) as server:
        server.add_guild("Painters")
        with server.expecting(4000):
            async with running(server) as bot:
                shard = bot.get_shard(0)
                assert shard is not None
                moderation = shard._parent.ws._keep_alive
                assert moderation is not None
                moderation.stop()
                await server.until(lambda: not server.gateway.live)


async def start_process(server: DiscordServer) -> Process:
    """The same bot in a process of its own."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.test_discord_server.bot_process",
        server.api_url,
        server.gateway_url,
        server.token,
    )


async def test_everything_outlives_a_killed_bot() -> None:
    async with DiscordServer() as server:
        guild = server.add_guild("Painters")
        art, alice = guild.add_channel("art"), guild.add_member("alice")
        process = await start_process(server)
        await server.ready()
        message = await (await alice.slash(art, "imagine", prompt="before")).message()
        ids = [command["id"] for command in server.world.commands[None]]
        process.send_signal(signal.SIGKILL)
        await process.wait()
        await server.gone()
        assert (await alice.slash(art, "imagine", prompt="meanwhile")).failed
        process = await start_process(server)
        await server.ready()
        again = await (await alice.slash(art, "imagine", prompt="after")).message()
        assert art.messages == [message, again]
        assert [command["id"] for command in server.world.commands[None]] == ids
        process.send_signal(signal.SIGKILL)
        await process.wait()
