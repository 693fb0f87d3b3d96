"""Commands are told to Discord when they have changed, and only then."""

from __future__ import annotations

import pytest

from .house import House


def puts(house: House) -> list[str]:
    """Where commands were put."""
    return [request.path for request in house.discord.requests if request.method == "PUT"]


async def test_a_second_start_tells_discord_nothing_new(house: House) -> None:
    app = house.discord.application_id
    for _ in range(2):
        async with house.open():
            assert puts(house) == [f"/applications/{app}/commands"]
    commands = house.discord.world.commands[None]
    assert {command["name"] for command in commands} >= {"imagine", "queue", "cancel", "model"}
    assert all(command["contexts"] == [0] for command in commands)


async def test_a_changed_command_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house.open():
        pass
    monkeypatch.setattr("cogs.queue.Queue.queue.description", "Something else")
    async with house.open():
        assert len(puts(house)) == 2


async def test_a_guild_that_is_named_has_the_commands_at_once_and_only_it(house: House) -> None:
    app = house.discord.application_id
    second = house.discord.add_guild("Poets")
    for _ in range(2):
        async with house.open(sync_guilds=(house.guild.id, second.id)):
            assert puts(house) == [
                f"/applications/{app}/guilds/{guild.id}/commands" for guild in (house.guild, second)
            ]
            await house.painted(house.alice)
    assert not house.discord.world.commands.get(None)


async def test_a_failed_sync_is_tried_again_at_the_next_start(house: House) -> None:
    house.discord.fail_next(method="PUT", status=403, code=50001)
    with pytest.raises(Exception, match="50001"):
        async with house.open():
            raise AssertionError("it started")
    async with house.open():
        assert len(puts(house)) == 2


async def test_a_guild_that_is_named_no_longer_does_not_keep_the_commands_twice(
    house: House,
) -> None:
    async with house.open(sync_guilds=(house.guild.id,)):
        pass
    async with house.open():
        await house.painted(house.alice)
    commands = house.discord.world.commands
    assert commands[None]
    assert not commands[house.guild.id]


async def test_a_guild_that_the_bot_is_not_on_is_told_and_does_not_keep_it_from_starting(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    with house.discord.expecting(10004):
        async with house.open(sync_guilds=(42, house.guild.id)):
            await house.painted(house.alice)
    assert "sync_guilds names 42: the bot is not on that server" in caplog.text
