"""A thread in which people post the pictures of a training."""

from __future__ import annotations

import pytest

from tests.cogs.app import App, told, told_after
from tests.discord_server import Channel, Member, Message, Upload

from .steps import begun, collected, number_of, picture, service, shows


async def opened(app: App, who: Member, card: Message) -> Channel:
    """The thread of the card."""
    before = set(app.guild.channels)
    await who.click(card, label="Post in a thread")
    await app.discord.until(lambda: set(app.guild.channels) - before)
    [number] = set(app.guild.channels) - before
    thread = app.guild.channels[number]
    await app.discord.until(lambda: thread.messages)
    return thread


async def answered(app: App, thread: Channel, message: Message) -> str:
    """What the bot replies."""

    def replies() -> list[Message]:
        return [each for each in thread.messages if each.reference is message]

    await app.discord.until(replies)
    return replies()[0].content


async def test_pictures_that_are_posted_in_reply_or_with_a_mention_become_the_trainings(
    scripted: App, mod: Member
) -> None:
    app = scripted
    me = f"<@{app.discord.world.bot.id}>"
    async with app.open() as bot:
        card = await begun(app, mod)
        number = number_of(card)
        thread = await opened(app, mod, card)
        [first] = thread.messages
        assert thread.parent is app.art
        assert str(mod.user.id) in first.pings
        await shows(app, card, rf"Post the pictures in <#{thread.id}>")
        said = await mod.say(thread, files=[picture(1), picture(2)], reply_to=first)
        assert await answered(app, thread, said) == "2 pictures so far."
        await shows(app, card, "2 pictures ·")
        said = await mod.say(thread, f"{me} a red thing", files=[picture(3)])
        assert await answered(app, thread, said) == "3 pictures so far."
        assert (await service(bot).get(number)).pictures[-1].caption == "a red thing"
        unseen = await mod.say(thread, "a blue thing", files=[picture(4)])
        assert "that don't mention me" in await answered(app, thread, unseen)
        await mod.say(thread, "another", files=[picture(4)])
        odd = [picture(1), Upload("notes.txt", b"a cat")]
        answer = await answered(app, thread, await mod.say(thread, me, files=odd))
        assert answer.splitlines()[:2] == ["3 pictures so far.", "Not added:"]
        assert "looks the same as picture 1." in answer
        assert "**notes.txt**" in answer
        said = await app.bob.say(thread, me, files=[picture(5)])
        answer = f"I only take pictures from <@{mod.user.id}> here."
        assert await answered(app, thread, said) == answer
        told_where = await told(await mod.click(card, label="Post in a thread"))
        assert told_where == f"Post the pictures in <#{thread.id}>."
        assert sum("don't mention me" in each.content for each in thread.messages) == 1


async def test_a_thread_outlives_restarts_and_its_pictures_outlive_the_thread(
    scripted: App, mod: Member
) -> None:
    app = scripted
    me = f"<@{app.discord.world.bot.id}>"
    async with app.open():
        card = await begun(app, mod)
        number = number_of(card)
        thread = await opened(app, mod, card)
        [first] = thread.messages
    async with app.open() as bot:
        said = await mod.say(thread, files=[picture(6)], reply_to=first)
        assert await answered(app, thread, said) == "1 picture so far."
        app.guild.remove_channel(thread)
        await app.discord.until(lambda: f"<#{thread.id}>" not in card.text())
        await shows(app, card, "1 picture ·")
        other = await opened(app, mod, card)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("engine.training.collecting.MAX_PICTURES", 1)
            said = await mod.say(other, me, files=[picture(7)])
            assert "as many as can be used" in await answered(app, other, said)
        await service(bot).cancel(number)  # at this moment
        said = await mod.say(other, me, files=[picture(8)])
        assert "was started or cancelled" in await answered(app, other, said)


@pytest.mark.parametrize("ended", ["started", "cancelled", "removed"])
async def test_once_no_pictures_are_taken_the_thread_is_for_conversation(
    scripted: App, mod: Member, ended: str
) -> None:
    app = scripted
    me = f"<@{app.discord.world.bot.id}>"
    async with app.open() as bot:
        card = await collected(app, bot, mod)
        number = number_of(card)
        thread = await opened(app, mod, card)
        if ended == "started":
            await mod.click(card, label="Start")
            await shows(app, card, "waiting for its turn")
        else:
            command = {"cancelled": "train cancel", "removed": "train remove"}[ended]
            asked = await (await mod.slash(app.art, command, training=number)).message()
            await mod.click(asked, label="Give it up" if ended == "cancelled" else "Remove")
            await shows(app, asked, "was given up" if ended == "cancelled" else "was removed")
        said = await mod.say(thread, f"{me} make it night", files=[picture(8)])
        assert "can edit pictures" in await answered(app, thread, said)


async def test_where_the_bot_may_not_open_threads_it_says_what_it_needs(
    scripted: App, mod: Member
) -> None:
    app = scripted
    async with app.open():
        card = await begun(app, mod)
        app.art.deny_bot("create_public_threads")
        refusal = await told_after(await mod.click(card, label="Post in a thread"))
        expected = "To open a thread I need these permissions here: Create Public Threads."
        assert refusal == expected


async def test_pictures_without_words_in_direct_messages_are_taken(
    scripted: App, mod: Member
) -> None:
    app = scripted
    async with app.open():
        card = await begun(app, mod, private=True)
        assert "Post in a thread" not in card.labels
        said = await mod.say(mod.dm, files=[picture(1)])
        assert await answered(app, mod.dm, said) == "1 picture so far."


async def test_pictures_of_direct_messages_do_not_get_into_what_everyone_sees(
    scripted: App, mod: Member
) -> None:
    app = scripted
    async with app.open() as bot:
        number = number_of(await begun(app, mod))
        said = await mod.say(mod.dm, files=[picture(1)])
        answer = await answered(app, mod.dm, said)
        assert answer.startswith("Everyone in its server sees the pictures of **zork**")
        assert not (await service(bot).get(number)).pictures


async def test_without_listening_to_messages_no_thread_is_offered(
    scripted: App, mod: Member
) -> None:
    app = scripted
    async with app.open(conversation=False):
        assert "Post in a thread" not in (await begun(app, mod)).labels
