"""The gallery: what is starred is shown there, once, and to nobody who may not see it."""

from __future__ import annotations

import pytest
from discord import Permissions

from tests.cogs.app import App, alt_texts, told, until
from tests.discord_server import Channel, Member, Message


@pytest.fixture
def hall(app: App) -> Channel:
    return app.guild.add_channel("hall")


@pytest.fixture
def moderation(app: App) -> Member:
    return app.guild.add_member("keeper", permissions=Permissions(manage_guild=True))


async def open_gallery(app: App, moderation: Member, hall: Channel | None) -> str:
    options = {} if hall is None else {"channel": hall}
    return await told(await moderation.slash(app.art, "gallery", **options))


async def star(app: App, who: Member, message: Message) -> None:
    """Click the star, and wait until the bot is done with it."""
    before = len(message.looks)
    await who.click(message, label="⭐")
    await app.discord.until(lambda: len(message.looks) > before)


async def test_a_starred_picture_is_shown_once_whatever_happens(
    app: App, moderation: Member, hall: Channel
) -> None:
    async with app.open():
        assert hall.name in app.guild.channels[hall.id].name
        said = await open_gallery(app, moderation, hall)
        assert said.startswith(f"From now on, starred pictures are reposted in <#{hall.id}>")
        message = await app.painted(app.alice, "a fish", count=2)
        await star(app, app.bob, message)
        await app.discord.until(lambda: hall.messages)
        [shown] = hall.messages
        assert app.alice.mention in shown.text()
        assert f"/{app.guild.id}/{app.art.id}/{message.id})" in shown.text()
        assert alt_texts(shown) == ["a fish", "a fish"]
        assert shown.pings == []
        for who in (app.alice, app.bob, app.bob):
            await star(app, who, message)
    async with app.open() as bot:
        for who in (app.bob, app.bob):
            await star(app, who, message)
        second = await app.painted(app.alice, "a fox")
        await star(app, app.bob, second)
        await app.discord.until(lambda: len(hall.messages) == 2)
        assert await bot.studio.favourites.count(1) == 2
    assert len(hall.messages) == 2


async def test_a_deleted_picture_is_deleted_in_the_gallery_too(
    app: App, moderation: Member, hall: Channel
) -> None:
    async with app.open():
        await open_gallery(app, moderation, hall)
        message = await app.painted(app.alice)
        await star(app, app.bob, message)
        await app.discord.until(lambda: hall.messages)
        await app.alice.click(message, label="Delete")
        await app.discord.until(lambda: message.deleted)
        assert hall.messages == []


async def test_what_is_deleted_while_it_is_being_posted_there_does_not_stay(
    app: App, moderation: Member, hall: Channel
) -> None:
    async with app.open() as bot:
        await open_gallery(app, moderation, hall)
        message = await app.painted(app.alice)
        app.discord.delay(0.4, method="POST", path=f"/channels/{hall.id}/messages")
        await star(app, app.bob, message)
        await until(lambda: bot.studio.favourites.gallery_posts(1), bool)
        await app.alice.click(message, label="Delete")
        await app.discord.until(lambda: message.deleted)
        assert hall.history == [], "it is still underway"
        await app.discord.until(lambda: hall.history and not hall.messages)


async def test_none_turns_it_off(app: App, moderation: Member, hall: Channel) -> None:
    async with app.open() as bot:
        await open_gallery(app, moderation, hall)
        said = await open_gallery(app, moderation, None)
        assert said == "Starred pictures are no longer reposted."
        message = await app.painted(app.alice)
        await star(app, app.bob, message)
        assert await bot.studio.favourites.gallery_posts(1) == []
    assert hall.messages == []


async def test_who_does_not_manage_the_server_is_refused(app: App, hall: Channel) -> None:
    async with app.open():
        said = await told(await app.bob.slash(app.art, "gallery", channel=hall))
        assert said == (
            "You need the Manage Server permission, or a role chosen by the bot's owner."
        )


async def test_a_channel_that_the_bot_cannot_use_is_refused(
    app: App, moderation: Member, hall: Channel
) -> None:
    hall.deny_bot("attach_files", "send_messages")
    async with app.open():
        said = await open_gallery(app, moderation, hall)
        assert said == (
            f"I can't post in <#{hall.id}>. Someone who manages that channel needs to "
            "give me Send Messages and Attach Files."
        )


async def test_a_gallery_that_was_closed_to_the_bot_gets_the_picture_another_time(
    app: App, moderation: Member, hall: Channel
) -> None:
    async with app.open():
        await open_gallery(app, moderation, hall)
        message = await app.painted(app.alice)
        hall.deny_bot("send_messages")
        await star(app, app.bob, message)
        hall.deny_bot()
        await star(app, app.bob, message)
        await star(app, app.bob, message)
        await app.discord.until(lambda: hall.messages)


@pytest.mark.parametrize("kind", ["let in", "kept out"])
async def test_a_gallery_is_wider_for_whoever_is_let_in_by_name(
    app: App, moderation: Member, hall: Channel, kind: str
) -> None:
    source = app.guild.add_channel("source")
    look, someone = Permissions(view_channel=True), app.guild.add_member("someone")
    if kind == "let in":
        for channel, people in (
            (source, [app.alice, app.guild.bot]),
            (hall, [app.alice, app.guild.bot, someone]),
        ):
            channel.overwrite(app.guild.everyone, deny=look)
            for who in people:
                channel.overwrite(who, allow=look)
    else:
        source.overwrite(someone, deny=look)
    async with app.open() as bot:
        await open_gallery(app, moderation, hall)
        message = await app.painted(app.alice, where=source)
        await star(app, app.alice, message)
        await star(app, app.alice, await app.painted(app.alice, "a fox"))
        await until(lambda: bot.studio.favourites.gallery_posts(2), bool)
        assert await bot.studio.favourites.gallery_posts(1) == []
        # The same people by name: now nobody sees more there than before.
        await star(app, app.alice, message)
        if kind == "let in":
            source.overwrite(someone, allow=look)
        else:
            hall.overwrite(someone, deny=look)
        await star(app, app.alice, message)
        await app.discord.until(lambda: len(hall.messages) == 2)


async def test_names_make_no_difference_where_everybody_may_look(
    app: App, moderation: Member, hall: Channel
) -> None:
    hall.overwrite(app.bob, allow=Permissions(view_channel=True))
    hall.overwrite(app.guild.bot, allow=Permissions(view_channel=True))
    async with app.open():
        await open_gallery(app, moderation, hall)
        await star(app, app.bob, await app.painted(app.alice))
        await app.discord.until(lambda: hall.messages)


@pytest.mark.parametrize("kind", ["private", "age-restricted"])
async def test_nobody_sees_in_the_gallery_what_they_could_not_see_before(
    app: App, moderation: Member, hall: Channel, kind: str
) -> None:
    source = app.guild.add_channel("source", nsfw=kind == "age-restricted")
    if kind == "private":
        source.overwrite(app.guild.everyone, deny=Permissions(view_channel=True))
        for who in (app.alice, app.guild.bot):
            source.overwrite(who, allow=Permissions(view_channel=True))
    async with app.open() as bot:
        await open_gallery(app, moderation, hall)
        message = await app.painted(app.alice, where=source)
        await star(app, app.alice, message)
        assert await bot.studio.favourites.count(1) == 1
        assert await bot.studio.favourites.gallery_posts(1) == []
    assert hall.messages == []
