"""Private pictures: only who asked for them sees them, whatever happens in between."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.discord_server import Message, Permissions, Upload

from tests.cogs.app import PATIENCE, House, number, told, told_after, until

HERE = "only I see my pictures"
DIRECT = "my pictures come as direct messages"
UNSEEN = "There is no job {} that you could see here"


async def hidden(house: House, prompt: str = "a surprise", **more: Any) -> Message:
    """Alice's private picture."""
    message = await house.done(await house.ask(house.alice, prompt, private=True, **more))
    assert message.ephemeral
    return message


async def prefers(house: House, privacy: str) -> str:
    """Alice's choice of what she gets by default."""
    return await told(await house.alice.slash(house.art, "me defaults", privacy=privacy))


async def test_only_who_asked_sees_it_and_all_that_comes_of_it(house: House) -> None:
    house.guild.add_channel("hall")
    async with house.open() as bot:
        message = await hidden(house)
        assert len(message.attachments) == 1
        assert not house.bob.sees(message)
        for label in ("Again", "Vary (subtle)", "Upscale 2× (fast)"):
            use = await house.alice.click(message, label=label)
            assert (await house.done(await use.message())).ephemeral
        modal = await (await house.alice.click(message, label="Remix")).modal()
        use = await house.alice.submit(modal, {"Prompt": "another"})
        assert (await house.done(await use.message())).ephemeral
        await house.settled(bot)
        assert house.art.messages == []
        for job in range(1, 6):
            said = await told(await house.bob.slash(house.art, "show", id=job))
            assert said.startswith(UNSEEN.format(job))
        mine = await (await house.alice.slash(house.art, "show", id=1)).message()
        assert "a surprise" in mine.text()
        assert "](" not in mine.text(), "no link leads to what only its owner ever saw"
        assert (await (await house.alice.click(mine, label="Again")).message()).ephemeral
        listed = await (await house.alice.slash(house.art, "history")).message()
        await house.alice.select(listed, "delete:1")
        await house.discord.until(lambda: message.deleted)


async def test_the_queue_keeps_it_and_a_moderator_can_call_it_off_unread(house: House) -> None:
    mo = house.guild.add_member("mo", permissions=Permissions(manage_messages=True))
    async with house.open():
        await house.occupy()
        message = await house.ask(house.alice, "a surprise", private=True)
        job = number(message)
        assert "a surprise" not in await told(await house.bob.slash(house.art, "queue"))
        assert "a surprise" in await told(await house.alice.slash(house.art, "queue"))
        offered = await mo.autocomplete(house.art, "cancel", "job", "")
        assert f"{job} · private" in [choice.name for choice in offered]
        said = await told(await mo.slash(house.art, "cancel", job=job))
        assert said == f"Job {job} is cancelled."
        await house.discord.until(lambda: "Cancelled." in message.text(), PATIENCE)


async def test_a_star_does_not_bring_it_into_the_gallery(house: House) -> None:
    keeper = house.guild.add_member("keeper", permissions=Permissions(manage_guild=True))
    hall = house.guild.add_channel("hall")
    async with house.open() as bot:
        await keeper.slash(house.art, "gallery", channel=hall)
        message = await hidden(house)
        await house.alice.click(message, label="⭐")
        await house.discord.until(lambda: len(message.looks) > 2)
        assert await bot.studio.favourites.count(1) == 1
        assert await bot.studio.favourites.shown(1) == []
        mine = await (await house.alice.slash(house.art, "favourites")).message()
        assert "a surprise" in mine.text()
    assert hall.messages == []


@pytest.mark.parametrize("verb", ["atelier:again:1", "atelier-picture:details:1:0"])
async def test_a_click_that_was_made_up_finds_nothing(house: House, verb: str) -> None:
    async with house.open():
        await hidden(house)
        public = await house.painted(house.bob)
        public.buttons[0]["custom_id"] = verb
        use = await house.bob.click(public, custom_id=verb)
        assert (await told_after(use)).startswith(UNSEEN.format(1))


async def test_what_comes_after_the_token_has_died_comes_directly(house: House) -> None:
    async with house.open():
        await house.occupy()
        message = await house.ask(house.alice, "a surprise", private=True)
    house.discord.expire_tokens()
    async with house.open() as bot:
        await house.release(next(each for each in house.art.messages))
        await house.discord.until(lambda: house.alice.dm.messages, PATIENCE)
        [sent] = house.alice.dm.messages
        await house.done(sent)
        await house.settled(bot)
        assert "a surprise" in sent.text()
        assert len(sent.attachments) == 1
        assert not message.attachments
        assert len(house.art.messages) == 1, "only the job that kept the painter busy"
        said = await told(await house.bob.slash(house.art, "show", id=2))
        assert said.startswith(UNSEEN.format(2))
        mine = await (await house.alice.slash(house.art, "history")).message()
        assert f"/@me/{house.alice.dm.id}/{sent.id})" in mine.text()
        again = await (await house.alice.click(sent, label="Again")).message()
        assert again.channel is house.alice.dm
        assert not (await house.done(again)).ephemeral
        await house.alice.click(sent, label="Delete")
        await house.discord.until(lambda: sent.deleted)


async def test_what_reaches_nobody_is_kept_for_its_owner(house: House) -> None:
    house.alice.user.refuses_dms = True
    async with house.open():
        await house.occupy()
        await house.ask(house.alice, "a surprise", private=True)
    house.discord.expire_tokens()
    async with house.open() as bot:
        with house.discord.expecting(50007):
            await house.release(house.art.messages[0])
            await house.settled(bot)
        assert house.alice.dm.messages == []
        assert len(house.art.messages) == 1
        mine = await (await house.alice.slash(house.art, "history")).message()
        assert "a surprise" in mine.text()
        assert [file.filename for file in mine.attachments] == ["2.webp"]
        shown = await (await house.alice.select(mine, "show:2")).message()
        assert shown.ephemeral
        await house.alice.select(mine, "delete:2")
        await house.discord.until(lambda: mine.text().startswith("Nothing is found."))


async def test_a_message_that_can_soon_be_changed_no_more_says_where_the_picture_comes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.open() as bot:
        blocker = await house.occupy()
        monkeypatch.setattr("cogs.message_ref.TOKEN_LIFETIME", 40.3)
        message = await house.ask(house.alice, "a surprise", private=True)
        await house.discord.until(lambda: "comes to your direct messages" in message.text(), 5)
        assert message.labels == ["Show it here", "Cancel"]
        house.discord.expire_tokens()
        await house.free(blocker)
        await house.settled(bot)
        [sent] = house.alice.dm.messages
        assert len(sent.attachments) == 1


async def test_a_click_gives_the_message_more_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.open() as bot:
        blocker = await house.occupy()
        with monkeypatch.context() as patch:
            patch.setattr("cogs.message_ref.TOKEN_LIFETIME", 40.3)
            message = await house.ask(house.alice, "a surprise", private=True)
            await house.discord.until(lambda: "Show it here" in message.labels, 5)
        house.discord.expire_tokens()
        await house.alice.click(message, label="Show it here")
        await house.discord.until(lambda: "in line" in message.text(), 5)
        await house.free(blocker)
        await house.done(message)
        await house.settled(bot)
        assert len(message.attachments) == 1
        assert house.alice.dm.messages == []


async def test_a_click_shows_what_could_be_brought_nowhere(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.alice.user.refuses_dms = True
    async with house.open() as bot:
        blocker = await house.occupy()
        with monkeypatch.context() as patch:
            patch.setattr("cogs.message_ref.TOKEN_LIFETIME", 40.3)
            message = await house.ask(house.alice, "a surprise", private=True)
            await house.discord.until(lambda: "Show it here" in message.labels, 5)
        house.discord.expire_tokens()
        with house.discord.expecting(50007):
            await house.free(blocker)
            await house.settled(bot)
    async with house.open() as bot:
        await house.alice.click(message, label="Show it here")
        await house.done(message)
        await house.settled(bot)
        assert len(message.attachments) == 1


async def test_a_click_on_what_has_come_directly_leads_there(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.open() as bot:
        blocker = await house.occupy()
        with monkeypatch.context() as patch:
            patch.setattr("cogs.message_ref.TOKEN_LIFETIME", 40.3)
            message = await house.ask(house.alice, "a surprise", private=True)
            await house.discord.until(lambda: "Show it here" in message.labels, 5)
        house.discord.expire_tokens()
        await house.free(blocker)
        await house.settled(bot)
        [sent] = house.alice.dm.messages
        said = await told(await house.alice.click(message, label="Show it here"))
        assert f"/@me/{house.alice.dm.id}/{sent.id}" in said


async def test_what_is_called_off_when_its_message_stands_still_is_said(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.open() as bot:
        await house.occupy()
        monkeypatch.setattr("cogs.message_ref.TOKEN_LIFETIME", 5.0)
        message = await house.ask(house.alice, "a mistake", private=True)
        use = await house.alice.click(message, label="Cancel")
        assert await told_after(use) == "Job 2 is cancelled."
        await until(lambda: bot.studio.job(2), lambda job: job.settled)
        assert house.alice.dm.messages == [], "nobody is written to for that"


def test_nobody_else_is_promised_an_answer_before_it_is_known_who_may_see_it() -> None:
    """`Desk.think` decides that; the others show nothing that is private."""
    promise = "defer(thinking=True)"
    cogs = Path(__file__).parents[2] / "cogs"
    found = {
        file.stem for file in cogs.rglob("*.py") if promise in file.read_text(encoding="utf-8")
    }
    assert found == {"downloads", "commands"}


async def test_ones_default_holds_for_buttons_too_and_gives_way_to_a_word(house: House) -> None:
    async with house.open():
        public = await house.painted(house.bob)
        assert "pictures: **only you see them**" in await prefers(house, HERE)
        assert (await house.done(await house.ask(house.alice))).ephemeral
        use = await house.alice.click(public, label="Vary (subtle)")
        assert (await house.done(await use.message())).ephemeral
        assert not (await house.done(await house.ask(house.alice, private=False))).ephemeral
        assert "no defaults" in await prefers(house, "everybody in the channel sees them")
        assert not (await house.done(await house.ask(house.alice))).ephemeral


async def test_who_wants_direct_messages_gets_them(house: House) -> None:
    async with house.open() as bot:
        await prefers(house, DIRECT)
        answer = await house.ask(house.alice, "a surprise")
        assert answer.ephemeral
        [sent] = house.alice.dm.messages
        assert f"/@me/{house.alice.dm.id}/{sent.id}" in answer.text()
        await house.done(sent)
        assert len(sent.attachments) == 1
        await house.alice.slash(house.art, "imagine", prompt="{red, blue} house")
        await house.discord.until(lambda: len(house.alice.dm.messages) == 3)
        await house.settled(bot)
        mine = await (await house.alice.slash(house.art, "show", id=1)).message()
        bigger = await (await house.alice.click(sent, label="Upscale 2× (fast)")).message()
        assert bigger.channel is house.alice.dm
        await house.done(bigger)
        again = await (await house.alice.click(mine, label="Again")).message()
        assert again.ephemeral
        await house.discord.until(lambda: len(house.alice.dm.messages) == 5)
        await house.settled(bot)
        assert house.art.messages == []
        assert all(len(each.attachments) == 1 for each in house.alice.dm.messages)


async def test_who_lets_nobody_write_gets_it_where_they_asked(house: House) -> None:
    house.alice.user.refuses_dms = True
    async with house.open():
        await prefers(house, DIRECT)
        with house.discord.expecting(50007):
            use = await house.alice.slash(house.art, "imagine", prompt="a surprise")
            assert (await use.followup()).text().startswith("I may not write to you")
        message = await house.done(await use.message())
        assert message.ephemeral
        assert len(message.attachments) == 1
        assert house.art.messages == []


async def test_it_takes_no_permissions_of_the_bots(house: House) -> None:
    house.art.deny_bot("attach_files", "send_messages", "view_channel")
    async with house.open():
        assert len((await hidden(house)).attachments) == 1


async def test_several_prompts_and_a_picture_sent_along_stay_private(house: House) -> None:
    async with house.open() as bot:
        use = await house.alice.slash(
            house.art, "imagine", prompt="{red, blue} house", private=True
        )
        both = [await use.message(), await use.followup()]
        asked = await house.alice.slash(
            house.art, "imagine", prompt="{1, 2, 3, 4, 5} fishes", private=True
        )
        question = await asked.message()
        go = await house.alice.click(question, label="Paint 5 pictures")
        five = [await go.followup(index) for index in range(5)]
        start = Upload("mine.png", await asyncio.to_thread(picture))
        from_mine = await house.ask(house.alice, "a boat", private=True, image=start)
        for message in (*both, *five, from_mine):
            assert message.ephemeral
            await house.done(message)
        await house.settled(bot)
        assert house.art.messages == []


def picture() -> bytes:
    """A red square."""
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (64, 64), "red").save(file, "PNG")
    return file.getvalue()


async def test_two_clicks_at_once_are_two_private_pictures(house: House) -> None:
    async with house.open() as bot:
        message = await hidden(house)
        uses = await asyncio.gather(*(house.alice.click(message, label="Again") for _ in range(2)))
        for use in uses:
            assert (await house.done(await use.message())).ephemeral
        await house.settled(bot)
        assert house.art.messages == []
