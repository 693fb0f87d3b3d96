"""/history and /show: finding pictures again, and seeing only what one may see."""

from __future__ import annotations

import shutil

from discord import Permissions

from engine.store import Search
from tests.cogs.app import App, alt_texts, number, told
from tests.cogs.grids.sheets import grid
from tests.discord_server import Message

GONE = "Job {} doesn't exist or isn't visible here. "


def listed(message: Message) -> list[int]:
    """The jobs on the page, from top to bottom."""
    return [int(part.split()[2]) for part in message.text().split("\n") if "-# job" in part]


async def history(app: App, **filters: object) -> Message:
    use = await app.alice.slash(app.art, "history", **filters)
    message = await use.message()
    assert message.ephemeral
    return message


async def test_ones_own_pictures_with_thumbnails_and_the_way_to_their_messages(
    app: App,
) -> None:
    async with app.open():
        app_picture = await app.painted(app.alice, "a red house", count=2)
        await app.painted(app.bob, "a blue boat")
        await app.painted(app.alice, "a *bold* fox", model="other")
        message = await history(app)
        assert listed(message) == [3, 1]
        assert "2 results · page 1 of 1" in message.text()
        assert f"/{app.guild.id}/{app.art.id}/{app_picture.id})" in message.text()
        assert "2 pictures" in message.text()
        assert r"a \*bold\* fox" in message.text()
        assert [file.filename for file in message.attachments] == ["3.webp", "1.webp"]
        assert message.pings == []
        assert listed(await history(app, words="FOX")) == [3]
        assert listed(await history(app, model="tiny")) == [1]
        assert listed(await history(app, period="today")) == [3, 1]
        nothing = await history(app, words="boat")
        assert nothing.text().startswith("Nothing found.")
        assert nothing.attachments == []


async def test_pages_turn_after_a_restart(app: App) -> None:
    async with app.open():
        for i in range(6):
            await app.painted(app.alice, f"house {i}")
        message = await history(app)
        assert listed(message) == [6, 5, 4, 3, 2]
    async with app.open():
        use = await app.alice.click(message, label="▶️")
        await app.discord.until(lambda: listed(message) == [1])
        assert use.acknowledged_after < 1
        assert "6 results · page 2 of 2" in message.text()
        assert [file.filename for file in message.attachments] == ["1.webp"]
        await app.alice.click(message, label="◀️")
        await app.discord.until(lambda: listed(message) == [6, 5, 4, 3, 2])


async def test_show_again_and_delete_by_the_menu(app: App) -> None:
    async with app.open() as bot:
        first = await app.painted(app.alice, "a red house", seed=5)
        await app.painted(app.alice, "a fox")
        message = await history(app)
        shown = await (await app.alice.select(message, "show:1")).message()
        assert shown.ephemeral
        assert alt_texts(shown) == ["a red house"]
        again = await (await app.alice.select(message, "again:1")).message()
        assert number(await app.done(again)) == 3
        assert "a red house" in again.text()
        files = (await bot.studio.job(1)).pictures
        await app.alice.select(message, "delete:1")
        await app.discord.until(lambda: listed(message) == [3, 2])
        assert first.deleted
        assert not any(file.exists() for file in files)


async def test_what_is_gone_since_the_list_was_made_gets_a_sentence(app: App) -> None:
    async with app.open() as bot:
        await app.painted(app.alice)
        message = await history(app)
        await bot.studio.delete(1)
        for choice in ("show:1", "again:1", "delete:1"):
            said = await told(await app.alice.select(message, choice))
            assert said.startswith(GONE.format(1))


async def test_a_list_that_is_forgotten_gets_a_sentence(app: App) -> None:
    async with app.open() as bot:
        for i in range(6):
            await app.painted(app.alice, f"house {i}")
        message = await history(app)
        theirs = await bot.studio.history.remember("1", Search(owner="1"))
        assert theirs == 2
        for part in message.buttons:
            part["custom_id"] = f"atelier-page:{theirs}:0"
        use = await app.alice.click(message, label="▶️")
        assert (await use.followup()).text().startswith("This list has expired")


async def test_a_page_of_the_longest_prompts_and_names_fits(app: App) -> None:
    async with app.open():
        for i in range(5):
            await app.painted(app.alice, f"{i}" + "*" * 1999)
        message = await history(app)
        assert listed(message) == [5, 4, 3, 2, 1]


async def test_show_tells_all_of_a_job_to_whoever_sees_its_channel(app: App) -> None:
    async with app.open():
        painted = await app.painted(app.alice, "a red house", negative_prompt="fog", count=2)
        use = await app.bob.slash(app.art, "show", id=1)
        message = await use.message()
        assert message.ephemeral
        assert app.alice.mention in message.text()
        assert "without fog" in message.text()
        assert f"/{painted.id})" in message.text()
        assert len(message.attachments) == 2
        again = await (await app.bob.click(message, label="Again")).message()
        assert app.bob.mention in (await app.done(again)).text()


async def test_show_keeps_what_belongs_elsewhere_to_itself(app: App) -> None:
    secret = app.guild.add_channel("secret")
    secret.overwrite(app.guild.everyone, deny=Permissions(view_channel=True))
    secret.overwrite(app.alice, allow=Permissions(view_channel=True))
    secret.overwrite(app.guild.bot, allow=Permissions(view_channel=True))
    elsewhere = app.discord.add_guild("Poets")
    poems, mallory = elsewhere.add_channel("poems"), elsewhere.add_member("mallory")
    async with app.open():
        await app.painted(app.alice, "a surprise", where=secret)
        for who, where in ((app.bob, app.art), (mallory, poems)):
            for job in (1, 99):
                said = await told(await who.slash(where, "show", id=job))
                assert said.startswith(GONE.format(job))
        own = await (await app.alice.slash(app.art, "show", id=1)).message()
        assert "a surprise" in own.text()


async def test_a_picture_whose_file_is_gone_is_listed_and_shown_without_it(app: App) -> None:
    async with app.open() as bot:
        await app.painted(app.alice)
        for file in (await bot.studio.job(1)).pictures:
            file.unlink()
        message = await history(app)
        assert listed(message) == [1]
        assert message.attachments == []
        shown = await (await app.alice.slash(app.art, "show", id=1)).message()
        assert "The picture files are gone" in shown.text()


async def test_pictures_that_are_too_large_there_are_not_told_to_be_gone(app: App) -> None:
    async with app.open():
        await app.painted(app.alice)
        app.guild.attachment_size_limit = 50
        message = await (await app.alice.slash(app.art, "show", id=1)).message()
        assert message.text().splitlines()[-1] == (
            "The pictures are too large to show here. Open their own message, or try again "
            "where Discord allows larger files."
        )
        shutil.rmtree(app.folder / "pictures")
        message = await (await app.alice.slash(app.art, "show", id=1)).message()
        assert message.text().splitlines()[-1].startswith("The picture files are gone")


async def test_a_grid_is_one_entry_which_opens_its_pictures(app: App) -> None:
    async with app.open():
        await app.painted(app.alice, "a fish")
        await grid(app, "a fish", x="seed", x_values="1-3")
        found = await history(app)
        assert listed(found) == [1]
        assert "-# grid 1 · " in found.text()
        assert " · 3 pictures" in found.text()
        cells = await (await app.alice.select(found, "grid:1")).message()
        assert listed(cells) == [4, 3, 2]
        shown = await (await app.alice.select(cells, "show:3")).message()
        assert "seed 2" in shown.text()
