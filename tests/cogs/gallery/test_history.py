"""/history and /show: finding pictures again, and seeing only what one may see."""

from __future__ import annotations

import shutil

from discord import Permissions

from engine.store import Search
from tests.discord_server import Message

from tests.cogs.app import House, alt_texts, number, told

GONE = "There is no job {} that you could see here: it is gone, or belongs elsewhere. "


def listed(message: Message) -> list[int]:
    """The jobs on the page, from top to bottom."""
    return [int(part.split()[2]) for part in message.text().split("\n") if "-# job" in part]


async def history(house: House, **filters: object) -> Message:
    use = await house.alice.slash(house.art, "history", **filters)
    message = await use.message()
    assert message.ephemeral
    return message


async def test_ones_own_pictures_with_thumbnails_and_the_way_to_their_messages(
    house: House,
) -> None:
    async with house.open():
        house_picture = await house.painted(house.alice, "a red house", count=2)
        await house.painted(house.bob, "a blue boat")
        await house.painted(house.alice, "a *bold* fox", model="other")
        message = await history(house)
        assert listed(message) == [3, 1]
        assert "2 results · page 1 of 1" in message.text()
        assert f"/{house.guild.id}/{house.art.id}/{house_picture.id})" in message.text()
        assert "2 pictures" in message.text()
        assert r"a \*bold\* fox" in message.text()
        assert [file.filename for file in message.attachments] == ["3.webp", "1.webp"]
        assert message.pings == []
        assert listed(await history(house, words="FOX")) == [3]
        assert listed(await history(house, model="tiny")) == [1]
        assert listed(await history(house, period="today")) == [3, 1]
        nothing = await history(house, words="boat")
        assert nothing.text().startswith("Nothing is found.")
        assert nothing.attachments == []


async def test_pages_turn_after_a_restart(house: House) -> None:
    async with house.open():
        for i in range(6):
            await house.painted(house.alice, f"house {i}")
        message = await history(house)
        assert listed(message) == [6, 5, 4, 3, 2]
    async with house.open():
        use = await house.alice.click(message, label="▶️")
        await house.discord.until(lambda: listed(message) == [1])
        assert use.acknowledged_after < 1
        assert "6 results · page 2 of 2" in message.text()
        assert [file.filename for file in message.attachments] == ["1.webp"]
        await house.alice.click(message, label="◀️")
        await house.discord.until(lambda: listed(message) == [6, 5, 4, 3, 2])


async def test_show_again_and_delete_by_the_menu(house: House) -> None:
    async with house.open() as bot:
        first = await house.painted(house.alice, "a red house", seed=5)
        await house.painted(house.alice, "a fox")
        message = await history(house)
        shown = await (await house.alice.select(message, "show:1")).message()
        assert shown.ephemeral
        assert alt_texts(shown) == ["a red house"]
        again = await (await house.alice.select(message, "again:1")).message()
        assert number(await house.done(again)) == 3
        assert "a red house" in again.text()
        files = (await bot.studio.job(1)).pictures
        await house.alice.select(message, "delete:1")
        await house.discord.until(lambda: listed(message) == [3, 2])
        assert first.deleted
        assert not any(file.exists() for file in files)


async def test_what_is_gone_since_the_list_was_made_gets_a_sentence(house: House) -> None:
    async with house.open() as bot:
        await house.painted(house.alice)
        message = await history(house)
        await bot.studio.delete(1)
        for choice in ("show:1", "again:1", "delete:1"):
            said = await told(await house.alice.select(message, choice))
            assert said.startswith(GONE.format(1))


async def test_a_list_that_is_forgotten_gets_a_sentence(house: House) -> None:
    async with house.open() as bot:
        for i in range(6):
            await house.painted(house.alice, f"house {i}")
        message = await history(house)
        theirs = await bot.studio.history.remember("1", Search(owner="1"))
        assert theirs == 2
        for part in message.buttons:
            part["custom_id"] = f"atelier-page:{theirs}:0"
        use = await house.alice.click(message, label="▶️")
        assert (await use.followup()).text().startswith("This list is too old")


async def test_a_page_of_the_longest_prompts_and_names_fits(house: House) -> None:
    async with house.open():
        for i in range(5):
            await house.painted(house.alice, f"{i}" + "*" * 1999)
        message = await history(house)
        assert listed(message) == [5, 4, 3, 2, 1]


async def test_show_tells_all_of_a_job_to_whoever_sees_its_channel(house: House) -> None:
    async with house.open():
        painted = await house.painted(house.alice, "a red house", negative_prompt="fog", count=2)
        use = await house.bob.slash(house.art, "show", id=1)
        message = await use.message()
        assert message.ephemeral
        assert house.alice.mention in message.text()
        assert "without fog" in message.text()
        assert f"/{painted.id})" in message.text()
        assert len(message.attachments) == 2
        again = await (await house.bob.click(message, label="Again")).message()
        assert house.bob.mention in (await house.done(again)).text()


async def test_show_keeps_what_belongs_elsewhere_to_itself(house: House) -> None:
    secret = house.guild.add_channel("secret")
    secret.overwrite(house.guild.everyone, deny=Permissions(view_channel=True))
    secret.overwrite(house.alice, allow=Permissions(view_channel=True))
    secret.overwrite(house.guild.bot, allow=Permissions(view_channel=True))
    elsewhere = house.discord.add_guild("Poets")
    poems, mallory = elsewhere.add_channel("poems"), elsewhere.add_member("mallory")
    async with house.open():
        await house.painted(house.alice, "a surprise", where=secret)
        for who, where in ((house.bob, house.art), (mallory, poems)):
            for job in (1, 99):
                said = await told(await who.slash(where, "show", id=job))
                assert said.startswith(GONE.format(job))
        own = await (await house.alice.slash(house.art, "show", id=1)).message()
        assert "a surprise" in own.text()


async def test_a_picture_whose_file_is_gone_is_listed_and_shown_without_it(house: House) -> None:
    async with house.open() as bot:
        await house.painted(house.alice)
        for file in (await bot.studio.job(1)).pictures:
            file.unlink()
        message = await history(house)
        assert listed(message) == [1]
        assert message.attachments == []
        shown = await (await house.alice.slash(house.art, "show", id=1)).message()
        assert "The files of its pictures are gone" in shown.text()


async def test_pictures_that_are_too_large_there_are_not_told_to_be_gone(house: House) -> None:
    async with house.open():
        await house.painted(house.alice)
        house.guild.attachment_size_limit = 50
        message = await (await house.alice.slash(house.art, "show", id=1)).message()
        assert message.text().splitlines()[-1] == (
            "Its pictures are too large for this place: see them in its own message, or ask me "
            "where Discord takes larger files."
        )
        shutil.rmtree(house.folder / "pictures")
        message = await (await house.alice.slash(house.art, "show", id=1)).message()
        assert message.text().splitlines()[-1].startswith("The files of its pictures are gone")
