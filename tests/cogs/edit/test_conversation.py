"""A reply to a picture that mentions the bot edits it."""

from __future__ import annotations

import asyncio

import pytest

from engine import Parent
from tests.cogs.app import App, number
from tests.cogs.generate.test_masks import photo, upload
from tests.discord_server import Channel, Member, Message

QUIET = 0.3
"""Seconds in which the bot would have answered."""


def me(app: App) -> str:
    """The bot's mention."""
    return f"<@{app.discord.world.bot.id}>"


async def answer(app: App, said: Message) -> Message:
    """The bot's reply to a message."""

    def replies() -> list[Message]:
        return [each for each in said.channel.history if each.reference is said]

    await app.discord.until(replies, 20)
    return replies()[0]


async def say(
    app: App, who: Member, text: str, to: Message | None = None, where: Channel | None = None
) -> Message:
    """The bot's reply to what somebody says to it."""
    return await answer(app, await who.say(where or app.art, text, reply_to=to))


async def test_each_answer_can_be_answered_again_by_anybody_also_after_a_restart(
    klein: App,
) -> None:
    async with klein.open():
        first = await klein.painted(klein.alice)
        second = await say(klein, klein.bob, f"{me(klein)} make the house blue", first)
        await klein.done(second)
    async with klein.open() as bot:
        third = await klein.done(await say(klein, klein.alice, f"at night {me(klein)}", second))
        jobs = [await bot.studio.job(number(each)) for each in (first, second, third)]
        assert [job.recipe.prompt for job in jobs[1:]] == ["make the house blue", "at night"]
        assert [job.parent for job in jobs[1:]] == [Parent(jobs[0].id, 0), Parent(jobs[1].id, 0)]
        assert [job.owner for job in jobs[1:]] == [str(klein.bob.user.id), str(klein.alice.user.id)]
        assert not second.pings
        assert f"from picture 1 of job {jobs[1].id}" in third.text()


async def test_pictures_that_are_attached_are_edited_or_used_beside_the_one_replied_to(
    klein: App,
) -> None:
    async with klein.open() as bot:
        files = [upload(photo((96, 64)))]
        said = await klein.alice.say(klein.art, f"{me(klein)} make it night", files=files)
        message = await klein.done(await answer(klein, said))
        assert len((await bot.studio.job(number(message))).recipe.references) == 1
        said = await klein.alice.say(
            klein.art, f"{me(klein)} add the dog of picture 2", files=files, reply_to=message
        )
        both = await klein.done(await answer(klein, said))
        assert len((await bot.studio.job(number(both))).recipe.references) == 2


async def test_in_direct_messages_a_reply_needs_no_mention(klein: App) -> None:
    async with klein.open() as bot:
        use = await klein.alice.slash(klein.alice.dm, "imagine", prompt="a red house")
        first = await klein.done(await use.message())
        second = await klein.done(await say(klein, klein.alice, "at night", first, klein.alice.dm))
        assert (await bot.studio.job(number(second))).parent == Parent(number(first), 0)


async def test_other_talk_is_not_answered(klein: App) -> None:
    """A reply pings whom it answers; that alone asks for nothing."""
    async with klein.open():
        first = await klein.painted(klein.alice)
        before = len(klein.art.history)
        await klein.bob.say(klein.art, "nice!", reply_to=first)
        await klein.bob.say(klein.art, f"hello {me(klein)}")
        await klein.bob.say(klein.art, f"look {klein.alice.mention}", reply_to=first)
        await asyncio.sleep(QUIET)
        assert len(klein.art.history) == before + 3


async def test_who_talks_to_the_bot_about_no_picture_is_told_once_how_to_paint(klein: App) -> None:
    async with klein.open():
        hint = await say(klein, klein.bob, f"{me(klein)} a red house")
        assert hint.text().startswith("To paint a picture, use </imagine:")
        before = len(klein.art.history)
        await klein.bob.say(klein.art, f"{me(klein)} thanks")
        await asyncio.sleep(QUIET)
        assert len(klein.art.history) == before + 1
        assert "/imagine" in (await say(klein, klein.alice, "hi", where=klein.alice.dm)).text()


async def test_what_cannot_be_edited_is_answered_with_a_sentence(klein: App) -> None:
    async with klein.open() as bot:
        theirs = await klein.alice.say(klein.art, "look", files=[upload(photo())])
        unseen = await say(klein, klein.bob, f"{me(klein)} at night", theirs)
        assert "I can only see pictures in messages to me" in unseen.text()
        two = await klein.painted(klein.alice, count=2)
        which = await say(klein, klein.bob, f"{me(klein)} at night", two)
        assert "has several pictures" in which.text()
        long = await say(klein, klein.bob, f"{me(klein)} 2: --sref http{'x' * 1950}", two)
        assert long.text().startswith("--sref takes the number of a job")
        second = await klein.done(await say(klein, klein.bob, f"{me(klein)} 2: at night", two))
        assert (await bot.studio.job(number(second))).parent == Parent(number(two), 1)


async def test_somebody_elses_private_picture_is_as_if_it_were_not_there(klein: App) -> None:
    """No client replies to it, so the reply is made up."""
    async with klein.open() as bot:
        secret = await klein.painted(klein.alice, "secretine", private=True)
        said = klein.discord.world.new_message(klein.art, klein.bob.user)
        said.content = f"{me(klein)} at night"
        said.reference, said.type = secret, 19
        said.pings = [str(klein.discord.world.bot.id)]
        klein.discord.world.post_message(said)
        told = (await answer(klein, said)).text()
        assert "isn't visible here" in told
        assert "secretine" not in told
        assert len(await bot.studio.several_jobs([1, 2])) == 1


@pytest.mark.parametrize("privacy", ["private", "dm"])
async def test_who_keeps_pictures_to_themselves_gets_none_that_everyone_sees(
    klein: App, privacy: str
) -> None:
    async with klein.open() as bot:
        first = await klein.painted(klein.alice)
        await klein.alice.slash(klein.art, "me defaults", privacy=privacy)
        refused = await say(klein, klein.alice, f"{me(klein)} at night", first)
        assert refused.text().startswith("Your `/me defaults` keep your pictures to yourself")
        assert len(await bot.studio.several_jobs([1, 2])) == 1
        files = [upload(photo())]
        said = await klein.alice.say(klein.alice.dm, "at night", files=files)
        await klein.done(await answer(klein, said))


async def test_words_and_blocks_hold_in_conversation_too(klein: App) -> None:
    async with klein.open() as bot:
        scope = f"guild:{klein.guild.id}"
        first = await klein.painted(klein.alice)
        await bot.studio.moderation.review_word(scope, "dragon")
        held = await say(klein, klein.bob, f"{me(klein)} add a dragon", first)
        assert "Use `/edit` to send it for review" in held.text()
        await bot.studio.moderation.block_word(scope, "spider")
        refused = await say(klein, klein.bob, f"{me(klein)} add a spider", first)
        assert "Cancel" not in refused.labels
        await bot.studio.moderation.block(scope, str(klein.bob.user.id), by="1", reason="spam")
        before = len(klein.art.history)
        await klein.bob.say(klein.art, f"{me(klein)} at night", reply_to=first)
        await asyncio.sleep(QUIET)
        assert len(klein.art.history) == before + 1
        assert len(await bot.studio.several_jobs([1, 2, 3, 4])) == 1


async def test_it_can_be_switched_off(klein: App) -> None:
    async with klein.open(conversation=False):
        first = await klein.painted(klein.alice)
        said = await klein.bob.say(klein.art, f"{me(klein)} at night", reply_to=first)
        await asyncio.sleep(QUIET)
        assert not [each for each in klein.art.history if each.reference is said]
