"""Stars: everybody has their own, the button counts them, and /favourites lists them."""

from __future__ import annotations

import asyncio

from discord import Permissions

from tests.cogs.app import App, alt_texts, told
from tests.cogs.gallery.test_history import listed
from tests.discord_server import Message


def stars(message: Message) -> str:
    """What the star says next to itself."""
    [button] = [b for b in message.buttons if b["custom_id"].startswith("atelier:star:")]
    return str(button.get("label") or "")


async def test_a_star_is_counted_and_taken_back_and_the_pictures_stay(app: App) -> None:
    async with app.open():
        message = await app.painted(app.alice, "a fish", count=2)
        text, files = message.text(), [file.filename for file in message.attachments]
        await app.bob.click(message, label="⭐")
        await app.discord.until(lambda: stars(message) == "1")
        await app.alice.click(message, label="⭐")
        await app.discord.until(lambda: stars(message) == "2")
        await app.bob.click(message, label="⭐")
        await app.discord.until(lambda: stars(message) == "1")
        assert message.text() == text
        assert [file.filename for file in message.attachments] == files
        assert alt_texts(message) == ["a fish", "a fish"]
        links = [str(write) for write in app.writes() if "/attachments/" in str(write)]
        assert links == [], "pictures are named as attachments: links to them go stale"


async def test_a_star_works_after_a_restart_and_when_two_click_at_once(app: App) -> None:
    async with app.open():
        message = await app.painted(app.alice)
    async with app.open() as bot:
        await asyncio.gather(
            app.alice.click(message, label="⭐"), app.bob.click(message, label="⭐")
        )
        await app.discord.until(lambda: stars(message) in ("1", "2"))
        assert await bot.studio.favourites.count(1) == 2


async def test_favourites_lists_what_was_starred_by_whomever_it_was_asked_for(
    app: App,
) -> None:
    async with app.open():
        theirs = await app.painted(app.bob, "a blue boat")
        own = await app.painted(app.alice, "a red house")
        await app.painted(app.alice, "a fox")
        for message in (theirs, own):
            await app.alice.click(message, label="⭐")
        listing = await (await app.alice.slash(app.art, "favourites")).message()
        assert listing.ephemeral
        assert listed(listing) == [2, 1]
        [menu] = listing.selects
        assert {option["value"] for option in menu["options"]} == {
            *("show:2", "show:1", "again:2", "again:1", "delete:2")
        }
        words = await (await app.alice.slash(app.art, "favourites", words="boat")).message()
        assert listed(words) == [1]
        mine = await app.alice.slash(app.art, "history", favourites=True)
        assert listed(await mine.message()) == [2]
        nobodys = await (await app.bob.slash(app.art, "favourites")).message()
        assert nobodys.text().startswith("Nothing found.")


async def test_a_favourite_of_a_channel_that_was_closed_since_is_left_out(app: App) -> None:
    studio = app.guild.add_channel("studio")
    async with app.open():
        message = await app.painted(app.bob, "a surprise", where=studio)
        await app.alice.click(message, label="⭐")
        studio.overwrite(app.alice, deny=Permissions(view_channel=True))
        await asyncio.sleep(0.1)
        listing = await (await app.alice.slash(app.art, "favourites")).message()
        assert "surprise" not in str(listing.components)
        assert listing.text().startswith("Nothing found.")
        assert listing.attachments == []
        assert listing.selects == []


async def test_a_star_on_a_picture_that_is_not_painted_is_refused(app: App) -> None:
    async with app.open():
        blocker = await app.occupy()
        waiting = await (await app.alice.slash(app.art, "show", id=1)).message()
        assert "⭐" not in [button["emoji"]["name"] for button in waiting.buttons]
        await app.release(blocker)


async def test_a_star_is_given_where_a_job_is_shown_too(app: App) -> None:
    async with app.open():
        await app.painted(app.alice, "a fish")
        shown = await (await app.bob.slash(app.art, "show", id=1)).message()
        await app.bob.click(shown, label="⭐")
        await app.discord.until(lambda: stars(shown) == "1")
        assert alt_texts(shown) == ["a fish"]


async def test_a_menu_of_favourites_does_not_delete_what_others_asked_for(app: App) -> None:
    async with app.open() as bot:
        message = await app.painted(app.bob)
        await app.alice.click(message, label="⭐")
        listing = await (await app.alice.slash(app.art, "favourites")).message()
        [menu] = listing.selects
        menu["options"][0]["value"] = "delete:1"
        use = await app.alice.select(listing, "delete:1")
        said = (await use.followup()).text()
        assert said == "Only the person who requested job 1 can delete it."
        assert (await bot.studio.job(1)).pictures
        assert "Delete" in message.labels
        assert await told(await app.alice.slash(app.art, "show", id=9))
