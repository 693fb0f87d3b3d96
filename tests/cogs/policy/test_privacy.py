"""Private pictures: only who asked for them sees them, whatever happens in between."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.cogs.app import PATIENCE, App, number, told, told_after, until
from tests.discord_server import Message, Permissions, Upload

HERE = "visible only to me"
DIRECT = "sent to me as direct messages"
UNSEEN = "Job {} doesn't exist or isn't visible here"


async def hidden(app: App, prompt: str = "a surprise", **more: Any) -> Message:
    """Alice's private picture."""
    message = await app.done(await app.ask(app.alice, prompt, private=True, **more))
    assert message.ephemeral
    return message


async def prefers(app: App, privacy: str) -> str:
    """Alice's choice of what she gets by default."""
    return await told(await app.alice.slash(app.art, "me defaults", privacy=privacy))


async def test_only_who_asked_sees_it_and_all_that_comes_of_it(app: App) -> None:
    app.guild.add_channel("hall")
    async with app.open() as bot:
        message = await hidden(app)
        assert len(message.attachments) == 1
        assert not app.bob.sees(message)
        for label in ("Again", "Vary (subtle)", "Upscale 2× (fast)"):
            use = await app.press(app.alice, message, label)
            assert (await app.done(await use.message())).ephemeral
        modal = await (await app.alice.click(message, label="Remix")).modal()
        use = await app.alice.submit(modal, {"Prompt": "another"})
        assert (await app.done(await use.message())).ephemeral
        await app.settled(bot)
        assert app.art.messages == []
        for job in range(1, 6):
            said = await told(await app.bob.slash(app.art, "show", id=job))
            assert said.startswith(UNSEEN.format(job))
        mine = await (await app.alice.slash(app.art, "show", id=1)).message()
        assert "a surprise" in mine.text()
        assert "](" not in mine.text(), "no link leads to what only its owner ever saw"
        listed = await (await app.alice.slash(app.art, "history")).message()
        again = await (await app.alice.click(mine, label="Again")).message()
        assert (await app.done(again)).ephemeral
        await app.alice.select(listed, "delete:1")
        await app.discord.until(lambda: message.deleted)


async def test_the_queue_keeps_it_and_a_moderator_can_call_it_off_unread(app: App) -> None:
    mo = app.guild.add_member("mo", permissions=Permissions(manage_messages=True))
    async with app.open():
        await app.occupy()
        message = await app.ask(app.alice, "a surprise", private=True)
        job = number(message)
        assert "a surprise" not in await told(await app.bob.slash(app.art, "queue"))
        assert "a surprise" in await told(await app.alice.slash(app.art, "queue"))
        offered = await mo.autocomplete(app.art, "cancel", "job", "")
        assert f"{job} · private" in [choice.name for choice in offered]
        said = await told(await mo.slash(app.art, "cancel", job=job))
        assert said == f"Job {job} was cancelled."
        await app.discord.until(lambda: "Cancelled." in message.text(), PATIENCE)


async def test_a_star_does_not_bring_it_into_the_gallery(app: App) -> None:
    moderation = app.guild.add_member("keeper", permissions=Permissions(manage_guild=True))
    hall = app.guild.add_channel("hall")
    async with app.open() as bot:
        await moderation.slash(app.art, "gallery", channel=hall)
        message = await hidden(app)
        await app.alice.click(message, label="⭐")
        await app.discord.until(lambda: len(message.looks) > 2)
        assert await bot.studio.favourites.count(1) == 1
        assert await bot.studio.favourites.gallery_posts(1) == []
        mine = await (await app.alice.slash(app.art, "favourites")).message()
        assert "a surprise" in mine.text()
    assert hall.messages == []


@pytest.mark.parametrize("verb", ["atelier:again:1", "atelier-picture:details:1:0"])
async def test_a_click_that_was_made_up_finds_nothing(app: App, verb: str) -> None:
    async with app.open():
        await hidden(app)
        public = await app.painted(app.bob)
        public.buttons[0]["custom_id"] = verb
        use = await app.bob.click(public, custom_id=verb)
        assert (await told_after(use)).startswith(UNSEEN.format(1))


async def test_what_comes_after_the_token_has_died_comes_directly(app: App) -> None:
    async with app.open():
        await app.occupy()
        message = await app.ask(app.alice, "a surprise", private=True)
    app.discord.expire_tokens()
    async with app.open() as bot:
        await app.release(next(each for each in app.art.messages))
        await app.discord.until(lambda: app.alice.dm.messages, PATIENCE)
        [sent] = app.alice.dm.messages
        await app.done(sent)
        await app.settled(bot)
        assert "a surprise" in sent.text()
        assert len(sent.attachments) == 1
        assert not message.attachments
        assert len(app.art.messages) == 1, "only the job that kept the painter busy"
        said = await told(await app.bob.slash(app.art, "show", id=2))
        assert said.startswith(UNSEEN.format(2))
        mine = await (await app.alice.slash(app.art, "history")).message()
        assert f"/@me/{app.alice.dm.id}/{sent.id})" in mine.text()
        again = await (await app.alice.click(sent, label="Again")).message()
        assert again.channel is app.alice.dm
        assert not (await app.done(again)).ephemeral
        await app.alice.click(sent, label="Delete")
        await app.discord.until(lambda: sent.deleted)


async def test_what_reaches_nobody_is_kept_for_its_owner(app: App) -> None:
    app.alice.user.refuses_dms = True
    async with app.open():
        await app.occupy()
        await app.ask(app.alice, "a surprise", private=True)
    app.discord.expire_tokens()
    async with app.open() as bot:
        with app.discord.expecting(50007):
            await app.release(app.art.messages[0])
            await app.settled(bot)
        assert app.alice.dm.messages == []
        assert len(app.art.messages) == 1
        mine = await (await app.alice.slash(app.art, "history")).message()
        assert "a surprise" in mine.text()
        assert [file.filename for file in mine.attachments] == ["2.webp"]
        shown = await (await app.alice.select(mine, "show:2")).message()
        assert shown.ephemeral
        await app.alice.select(mine, "delete:2")
        await app.discord.until(lambda: mine.text().startswith("Nothing found."))


async def test_a_message_that_can_soon_be_changed_no_more_says_where_the_picture_comes(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.open() as bot:
        blocker = await app.occupy()
        monkeypatch.setattr("cogs.message_ref.TOKEN_LIFETIME", 40.3)
        message = await app.ask(app.alice, "a surprise", private=True)
        await app.discord.until(lambda: "I'll send it to your DMs" in message.text(), 5)
        assert message.labels == ["Show here", "Cancel"]
        app.discord.expire_tokens()
        await app.free(blocker)
        await app.settled(bot)
        [sent] = app.alice.dm.messages
        assert len(sent.attachments) == 1


async def test_a_click_gives_the_message_more_time(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.open() as bot:
        blocker = await app.occupy()
        with monkeypatch.context() as patch:
            patch.setattr("cogs.message_ref.TOKEN_LIFETIME", 40.3)
            message = await app.ask(app.alice, "a surprise", private=True)
            await app.discord.until(lambda: "Show here" in message.labels, 5)
        app.discord.expire_tokens()
        await app.alice.click(message, label="Show here")
        await app.discord.until(lambda: "in line" in message.text(), 5)
        await app.free(blocker)
        await app.done(message)
        await app.settled(bot)
        assert len(message.attachments) == 1
        assert app.alice.dm.messages == []


async def test_a_click_shows_what_could_be_brought_nowhere(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.alice.user.refuses_dms = True
    async with app.open() as bot:
        blocker = await app.occupy()
        with monkeypatch.context() as patch:
            patch.setattr("cogs.message_ref.TOKEN_LIFETIME", 40.3)
            message = await app.ask(app.alice, "a surprise", private=True)
            await app.discord.until(lambda: "Show here" in message.labels, 5)
        app.discord.expire_tokens()
        with app.discord.expecting(50007):
            await app.free(blocker)
            await app.settled(bot)
    async with app.open() as bot:
        await app.alice.click(message, label="Show here")
        await app.done(message)
        await app.settled(bot)
        assert len(message.attachments) == 1


async def test_a_click_on_what_has_come_directly_leads_there(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.open() as bot:
        blocker = await app.occupy()
        with monkeypatch.context() as patch:
            patch.setattr("cogs.message_ref.TOKEN_LIFETIME", 40.3)
            message = await app.ask(app.alice, "a surprise", private=True)
            await app.discord.until(lambda: "Show here" in message.labels, 5)
        app.discord.expire_tokens()
        await app.free(blocker)
        await app.settled(bot)
        [sent] = app.alice.dm.messages
        said = await told(await app.alice.click(message, label="Show here"))
        assert f"/@me/{app.alice.dm.id}/{sent.id}" in said


async def test_what_is_called_off_when_its_message_stands_still_is_said(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.open() as bot:
        await app.occupy()
        monkeypatch.setattr("cogs.message_ref.TOKEN_LIFETIME", 5.0)
        message = await app.ask(app.alice, "a mistake", private=True)
        use = await app.alice.click(message, label="Cancel")
        assert await told_after(use) == "Job 2 was cancelled."
        await until(lambda: bot.studio.job(2), lambda job: job.delivered)
        assert app.alice.dm.messages == [], "nobody is written to for that"


def test_nobody_else_is_promised_an_answer_before_it_is_known_who_may_see_it() -> None:
    """`Desk.think` decides that; the others show nothing that is private."""
    promise = "defer(thinking=True)"
    cogs = Path(__file__).parents[3] / "cogs"
    found = {
        file.stem for file in cogs.rglob("*.py") if promise in file.read_text(encoding="utf-8")
    }
    assert found == {"downloads", "commands"}


async def test_ones_default_holds_for_buttons_too_and_gives_way_to_a_word(app: App) -> None:
    async with app.open():
        public = await app.painted(app.bob)
        assert "pictures: **visible only to you**" in await prefers(app, HERE)
        assert (await app.done(await app.ask(app.alice))).ephemeral
        use = await app.alice.click(public, label="Vary (subtle)")
        assert (await app.done(await use.message())).ephemeral
        assert not (await app.done(await app.ask(app.alice, private=False))).ephemeral
        assert "no defaults" in await prefers(app, "visible to everyone in the channel")
        assert not (await app.done(await app.ask(app.alice))).ephemeral


async def test_who_wants_direct_messages_gets_them(app: App) -> None:
    async with app.open() as bot:
        await prefers(app, DIRECT)
        answer = await app.ask(app.alice, "a surprise")
        assert answer.ephemeral
        [sent] = app.alice.dm.messages
        assert f"/@me/{app.alice.dm.id}/{sent.id}" in answer.text()
        await app.done(sent)
        assert len(sent.attachments) == 1
        await app.alice.slash(app.art, "imagine", prompt="{red, blue} house")
        await app.discord.until(lambda: len(app.alice.dm.messages) == 3)
        await app.settled(bot)
        mine = await (await app.alice.slash(app.art, "show", id=1)).message()
        bigger = await (await app.press(app.alice, sent, "Upscale 2× (fast)")).message()
        assert bigger.channel is app.alice.dm
        await app.done(bigger)
        again = await (await app.alice.click(mine, label="Again")).message()
        assert again.ephemeral
        await app.discord.until(lambda: len(app.alice.dm.messages) == 5)
        await app.settled(bot)
        assert app.art.messages == []
        assert all(len(each.attachments) == 1 for each in app.alice.dm.messages)


async def test_who_lets_nobody_write_gets_it_where_they_asked(app: App) -> None:
    app.alice.user.refuses_dms = True
    async with app.open():
        await prefers(app, DIRECT)
        with app.discord.expecting(50007):
            use = await app.alice.slash(app.art, "imagine", prompt="a surprise")
            assert (await use.followup()).text().startswith("I can't DM you")
        message = await app.done(await use.message())
        assert message.ephemeral
        assert len(message.attachments) == 1
        assert app.art.messages == []


async def test_it_takes_no_permissions_of_the_bots(app: App) -> None:
    app.art.deny_bot("attach_files", "send_messages", "view_channel")
    async with app.open():
        assert len((await hidden(app)).attachments) == 1


async def test_several_prompts_and_a_picture_sent_along_stay_private(app: App) -> None:
    async with app.open() as bot:
        use = await app.alice.slash(app.art, "imagine", prompt="{red, blue} house", private=True)
        both = [await use.message(), await use.followup()]
        asked = await app.alice.slash(
            app.art, "imagine", prompt="{1, 2, 3, 4, 5} fishes", private=True
        )
        question = await asked.message()
        go = await app.alice.click(question, label="Paint 5 pictures")
        five = [await go.followup(index) for index in range(5)]
        start = Upload("mine.png", await asyncio.to_thread(picture))
        from_mine = await app.ask(app.alice, "a boat", private=True, image=start)
        for message in (*both, *five, from_mine):
            assert message.ephemeral
            await app.done(message)
        await app.settled(bot)
        assert app.art.messages == []


def picture() -> bytes:
    """A red square."""
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (64, 64), "red").save(file, "PNG")
    return file.getvalue()


async def test_two_clicks_at_once_are_two_private_pictures(app: App) -> None:
    async with app.open() as bot:
        message = await hidden(app)
        uses = await asyncio.gather(*(app.alice.click(message, label="Again") for _ in range(2)))
        for use in uses:
            assert (await app.done(await use.message())).ephemeral
        await app.settled(bot)
        assert app.art.messages == []
