"""Commands are told to Discord when they have changed, and only then."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cogs.app import App

PERSONAL = {
    *("imagine", "queue", "cancel", "history", "show", "favourites", "me", "help"),
    *("edit", "blend", "describe", "prompt", "train"),
    *("Use these settings", "Use as start image", "Picture details"),
    *("Edit this picture", "Describe this picture"),
}
"""Commands that people may use in direct messages and on servers that the bot is not in."""


def puts(app: App) -> list[str]:
    """Where commands were put."""
    return [request.path for request in app.discord.requests if request.method == "PUT"]


async def test_a_second_start_tells_discord_nothing_new(app: App) -> None:
    application = app.discord.application_id
    for _ in range(2):
        async with app.open():
            assert puts(app) == [f"/applications/{application}/commands"]
    commands = app.discord.world.commands[None]
    assert {command["name"] for command in commands} >= {"imagine", "queue", "cancel", "model"}
    for command in commands:
        personal = command["name"] in PERSONAL
        assert command["contexts"] == ([0, 1, 2] if personal else [0]), command["name"]
        assert command["integration_types"] == ([0, 1] if personal else [0]), command["name"]


@pytest.mark.parametrize("why", ["the application", "the settings", "some servers only"])
async def test_commands_are_for_personal_use_only_where_they_can_be(app: App, why: str) -> None:
    """Discord refuses what an application is not set up for; the loopback does too."""
    settings: dict[str, Any] = {}
    if why == "the application":
        app.discord.world.installs = (0,)
    elif why == "the settings":
        settings["personal_use"] = False
    else:
        settings["sync_guilds"] = (app.guild.id,)
    async with app.open(**settings):
        commands = app.discord.world.commands
        there = commands[app.guild.id if why == "some servers only" else None]
        contexts = [0, 1, 2] if why == "the application" else [0]
        [imagine] = [command for command in there if command["name"] == "imagine"]
        assert imagine["integration_types"] == [0]
        if why != "some servers only":
            assert imagine["contexts"] == contexts


async def test_a_changed_command_is_told(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    async with app.open():
        pass
    monkeypatch.setattr("cogs.queue.queue.Queue.queue.description", "Something else")
    async with app.open():
        assert len(puts(app)) == 2


async def test_commands_are_told_with_their_names_in_each_language(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    chinese = {
        ("name", "queue"): "队列",
        (None, "Show who's waiting for a picture, and for how long"): "看看谁在等",
        ("name", "size"): "尺寸",
        ("menu", "Use as start image"): "以此开始",
    }

    def known(text: str, language: str, context: str | None) -> str | None:
        return chinese.get((context, text)) if language == "zh_CN" else None

    async with app.open():
        pass
    monkeypatch.setattr("cogs.translator.translation", known)
    async with app.open():
        assert len(puts(app)) == 2  # the same commands with other translations
    told = {command["name"]: command for command in app.discord.world.commands[None]}
    assert told["queue"]["name_localizations"] == {"zh-CN": "队列"}
    assert told["queue"]["description_localizations"] == {"zh-CN": "看看谁在等"}
    assert told["Use as start image"]["name_localizations"] == {"zh-CN": "以此开始"}
    size = next(option for option in told["imagine"]["options"] if option["name"] == "size")
    assert size["name_localizations"] == {"zh-CN": "尺寸"}


async def test_a_guild_that_is_named_has_the_commands_at_once_and_only_it(app: App) -> None:
    application = app.discord.application_id
    second = app.discord.add_guild("Poets")
    for _ in range(2):
        async with app.open(sync_guilds=(app.guild.id, second.id)):
            assert puts(app) == [
                f"/applications/{application}/guilds/{guild.id}/commands"
                for guild in (app.guild, second)
            ]
            await app.painted(app.alice)
    assert not app.discord.world.commands.get(None)


async def test_a_failed_sync_is_tried_again_at_the_next_start(app: App) -> None:
    app.discord.fail_next(method="PUT", status=403, code=50001)
    with pytest.raises(Exception, match="50001"):
        async with app.open():
            raise AssertionError("it started")
    async with app.open():
        assert len(puts(app)) == 2


async def test_a_guild_that_is_named_no_longer_does_not_keep_the_commands_twice(
    app: App,
) -> None:
    async with app.open(sync_guilds=(app.guild.id,)):
        pass
    async with app.open():
        await app.painted(app.alice)
    commands = app.discord.world.commands
    assert commands[None]
    assert not commands[app.guild.id]


async def test_a_guild_that_the_bot_is_not_on_is_told_and_does_not_keep_it_from_starting(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    with app.discord.expecting(10004):
        async with app.open(sync_guilds=(42, app.guild.id)):
            await app.painted(app.alice)
    assert "The bot isn't on server 42, which the setting sync_guilds names" in caplog.text
