"""The gallery: what is starred is shown there, once, and to nobody who may not see it."""

from __future__ import annotations

import pytest
from discord import Permissions

from tests.discord_server import Channel, Member, Message

from tests.cogs.app import House, alt_texts, told, until


@pytest.fixture
def hall(house: House) -> Channel:
    return house.guild.add_channel("hall")


@pytest.fixture
def keeper(house: House) -> Member:
    return house.guild.add_member("keeper", permissions=Permissions(manage_guild=True))


async def open_gallery(house: House, keeper: Member, hall: Channel | None) -> str:
    options = {} if hall is None else {"channel": hall}
    return await told(await keeper.slash(house.art, "gallery", **options))


async def star(house: House, who: Member, message: Message) -> None:
    """Click the star, and wait until the bot is done with it."""
    before = len(message.looks)
    await who.click(message, label="⭐")
    await house.discord.until(lambda: len(message.looks) > before)


async def test_a_starred_picture_is_shown_once_whatever_happens(
    house: House, keeper: Member, hall: Channel
) -> None:
    async with house.open():
        assert hall.name in house.guild.channels[hall.id].name
        said = await open_gallery(house, keeper, hall)
        assert said.startswith(f"Pictures that somebody stars are shown in <#{hall.id}>")
        message = await house.painted(house.alice, "a fish", count=2)
        await star(house, house.bob, message)
        await house.discord.until(lambda: hall.messages)
        [shown] = hall.messages
        assert house.alice.mention in shown.text()
        assert f"/{house.guild.id}/{house.art.id}/{message.id})" in shown.text()
        assert alt_texts(shown) == ["a fish", "a fish"]
        assert shown.pings == []
        for who in (house.alice, house.bob, house.bob):
            await star(house, who, message)
    async with house.open() as bot:
        for who in (house.bob, house.bob):
            await star(house, who, message)
        second = await house.painted(house.alice, "a fox")
        await star(house, house.bob, second)
        await house.discord.until(lambda: len(hall.messages) == 2)
        assert await bot.studio.favourites.count(1) == 2
    assert len(hall.messages) == 2


async def test_a_deleted_picture_is_deleted_in_the_gallery_too(
    house: House, keeper: Member, hall: Channel
) -> None:
    async with house.open():
        await open_gallery(house, keeper, hall)
        message = await house.painted(house.alice)
        await star(house, house.bob, message)
        await house.discord.until(lambda: hall.messages)
        await house.alice.click(message, label="Delete")
        await house.discord.until(lambda: message.deleted)
        assert hall.messages == []


async def test_what_is_deleted_while_it_is_being_posted_there_does_not_stay(
    house: House, keeper: Member, hall: Channel
) -> None:
    async with house.open() as bot:
        await open_gallery(house, keeper, hall)
        message = await house.painted(house.alice)
        house.discord.delay(0.4, method="POST", path=f"/channels/{hall.id}/messages")
        await star(house, house.bob, message)
        await until(lambda: bot.studio.favourites.shown(1), bool)
        await house.alice.click(message, label="Delete")
        await house.discord.until(lambda: message.deleted)
        assert hall.history == [], "it is still underway"
        await house.discord.until(lambda: hall.history and not hall.messages)


async def test_none_turns_it_off(house: House, keeper: Member, hall: Channel) -> None:
    async with house.open() as bot:
        await open_gallery(house, keeper, hall)
        said = await open_gallery(house, keeper, None)
        assert said == "Starred pictures are not shown anywhere else any more."
        message = await house.painted(house.alice)
        await star(house, house.bob, message)
        assert await bot.studio.favourites.shown(1) == []
    assert hall.messages == []


async def test_who_does_not_manage_the_server_is_refused(house: House, hall: Channel) -> None:
    async with house.open():
        said = await told(await house.bob.slash(house.art, "gallery", channel=hall))
        assert said == "That needs the permission Manage Server, or a role that the owner named."


async def test_a_channel_that_the_bot_cannot_use_is_refused(
    house: House, keeper: Member, hall: Channel
) -> None:
    hall.deny_bot("attach_files", "send_messages")
    async with house.open():
        said = await open_gallery(house, keeper, hall)
        assert said == (
            f"I cannot show pictures in <#{hall.id}>: I lack Send Messages and Attach Files. "
            "Somebody who manages it can change that in the channel's permissions."
        )


async def test_a_gallery_that_was_closed_to_the_bot_gets_the_picture_another_time(
    house: House, keeper: Member, hall: Channel
) -> None:
    async with house.open():
        await open_gallery(house, keeper, hall)
        message = await house.painted(house.alice)
        hall.deny_bot("send_messages")
        await star(house, house.bob, message)
        hall.deny_bot()
        await star(house, house.bob, message)
        await star(house, house.bob, message)
        await house.discord.until(lambda: hall.messages)


@pytest.mark.parametrize("kind", ["let in", "kept out"])
async def test_a_gallery_is_wider_for_whoever_is_let_in_by_name(
    house: House, keeper: Member, hall: Channel, kind: str
) -> None:
    source = house.guild.add_channel("source")
    look, someone = Permissions(view_channel=True), house.guild.add_member("someone")
    if kind == "let in":
        for channel, people in (
            (source, [house.alice, house.guild.bot]),
            (hall, [house.alice, house.guild.bot, someone]),
        ):
            channel.overwrite(house.guild.everyone, deny=look)
            for who in people:
                channel.overwrite(who, allow=look)
    else:
        source.overwrite(someone, deny=look)
    async with house.open() as bot:
        await open_gallery(house, keeper, hall)
        message = await house.painted(house.alice, where=source)
        await star(house, house.alice, message)
        await star(house, house.alice, await house.painted(house.alice, "a fox"))
        await until(lambda: bot.studio.favourites.shown(2), bool)
        assert await bot.studio.favourites.shown(1) == []
        # The same people by name: now nobody sees more there than before.
        await star(house, house.alice, message)
        if kind == "let in":
            source.overwrite(someone, allow=look)
        else:
            hall.overwrite(someone, deny=look)
        await star(house, house.alice, message)
        await house.discord.until(lambda: len(hall.messages) == 2)


async def test_names_make_no_difference_where_everybody_may_look(
    house: House, keeper: Member, hall: Channel
) -> None:
    hall.overwrite(house.bob, allow=Permissions(view_channel=True))
    hall.overwrite(house.guild.bot, allow=Permissions(view_channel=True))
    async with house.open():
        await open_gallery(house, keeper, hall)
        await star(house, house.bob, await house.painted(house.alice))
        await house.discord.until(lambda: hall.messages)


@pytest.mark.parametrize("kind", ["private", "age-restricted"])
async def test_nobody_sees_in_the_gallery_what_they_could_not_see_before(
    house: House, keeper: Member, hall: Channel, kind: str
) -> None:
    source = house.guild.add_channel("source", nsfw=kind == "age-restricted")
    if kind == "private":
        source.overwrite(house.guild.everyone, deny=Permissions(view_channel=True))
        for who in (house.alice, house.guild.bot):
            source.overwrite(who, allow=Permissions(view_channel=True))
    async with house.open() as bot:
        await open_gallery(house, keeper, hall)
        message = await house.painted(house.alice, where=source)
        await star(house, house.alice, message)
        assert await bot.studio.favourites.count(1) == 1
        assert await bot.studio.favourites.shown(1) == []
    assert hall.messages == []
