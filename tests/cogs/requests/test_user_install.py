"""Where the bot is not itself: in direct messages, and with those who brought it along."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cogs.requests.user_install import MOST_SECONDS
from engine import ImageRequest, ModelSettings
from tests.discord_server import Channel, ClientRefuses, Guild, Member, Message, Permissions

from tests.cogs.app import PATIENCE, House, number, settings_line, told, told_after, until
from tests.cogs.actions.test_context_menus import png


@pytest.fixture
def abroad(house: House) -> Guild:
    """A server that the bot has never been in, and knows nothing of."""
    return house.discord.add_guild("Abroad", joined=False)


@pytest.fixture
def square(abroad: Guild) -> Channel:
    """A channel there."""
    return abroad.add_channel("square")


@pytest.fixture
def alice(house: House, abroad: Guild) -> Member:
    """Alice there, who has installed the bot for herself."""
    house.alice.user.installed = True
    return abroad.add_member("alice")


async def paint(house: House, who: Member, where: Channel, **more: Any) -> Message:
    """What somebody gets there."""
    use = await who.slash(where, "imagine", prompt="a red house", **more)
    return await house.done(await use.message())


async def test_direct_messages_are_a_place_to_paint_in(house: House) -> None:
    async with house.open():
        blocker = await house.occupy()
        use = await house.alice.slash(house.alice.dm, "imagine", prompt="a surprise")
        message = await use.message()
        assert not message.ephemeral
        house.discord.expire_tokens()
        theirs = await told(await house.bob.slash(house.bob.dm, "queue"))
        assert theirs == "-# 2 in other places"
        assert "a surprise" in await told(await house.alice.slash(house.alice.dm, "queue"))
        assert "a surprise" in await told(await house.alice.slash(house.art, "queue"))
        assert "a surprise" not in await told(await house.bob.slash(house.art, "queue"))
        await house.free(blocker)
        await house.done(message)
        assert len(message.attachments) == 1
        again = await (await house.alice.click(message, label="Again")).message()
        assert again.channel is house.alice.dm
        listed = await (await house.alice.slash(house.art, "history")).message()
        again = await (await house.alice.select(listed, "again:2")).message()
        assert again.ephemeral, "what was asked for in private stays so"
        with pytest.raises(ClientRefuses, match="not for this context"):
            await house.alice.slash(house.alice.dm, "settings")


async def test_who_has_it_for_themselves_paints_where_it_is_not(
    house: House, abroad: Guild, square: Channel, alice: Member
) -> None:
    bob = abroad.add_member("bob")
    with pytest.raises(ClientRefuses):
        await bob.slash(square, "imagine", prompt="x")
    async with house.open() as bot:
        with pytest.raises(ClientRefuses, match="not installed"):
            await bob.slash(square, "imagine", prompt="x")
        with pytest.raises(ClientRefuses, match="not installed"):
            await alice.slash(square, "model list")
        message = await paint(house, alice, square)
        assert square.messages == [message]
        assert len(message.attachments) == 1
        use = await bob.click(message, label="Again")
        again = await house.done(await use.message())
        assert bob.mention in again.text()
        use = await bob.click(message, label="Vary (subtle)")
        await house.done(await use.message())
        await alice.click(message, label="⭐")
        said = await told(await bob.slash(bob.dm, "show", id=1))
        assert said.startswith("There is no job 1 that you could see here")
        await house.settled(bot)
        await alice.click(message, label="Delete")
        await house.discord.until(lambda: message.deleted)
        as_bot = [each for each in house.discord.requests if each.path.startswith("/channels/")]
        assert as_bot == [], "it can do nothing there without the interaction's token"


async def test_a_wait_that_is_too_long_is_refused_before_it_is_queued(
    house: House, square: Channel, alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.open() as bot:
        await paint(house, alice, square)
        await house.occupy()
        heavy = [ImageRequest(prompt="a fish", model="slow", num_inference_steps=150, count=4)]

        async def expected() -> float | None:
            return await bot.studio.forecast(heavy, owner="1")

        seconds = await until(expected, lambda known: known is not None)
        assert seconds is not None
        monkeypatch.setattr("cogs.requests.user_install.MOST_SECONDS", seconds / 50)
        before = bot.studio.queue()
        use = await alice.slash(square, "imagine", prompt="a fish", model="slow", count=4)
        said = await told(use)
        assert said.startswith("Your picture would take about ")
        assert "our direct messages" in said
        assert [job.id for job, _ in bot.studio.queue()] == [job.id for job, _ in before]
        there = await alice.slash(alice.dm, "imagine", prompt="a fish", model="slow", count=4)
        assert "in line" in (await there.message()).text()
        hidden = await alice.slash(square, "imagine", prompt="a fish", private=True)
        assert (await hidden.message()).ephemeral, "this one may come directly"
    assert MOST_SECONDS < 15 * 60


async def test_a_model_that_has_to_be_downloaded_first_is_refused(
    house: House, square: Channel, alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = ModelSettings(source="someone/far")
    models = house.models()
    monkeypatch.setattr(house, "models", lambda: models | {"far": far})
    async with house.open() as bot:
        use = await alice.slash(square, "imagine", prompt="a fish", model="far")
        assert (await told(use)).startswith("The files of far have to be downloaded first")
        assert bot.studio.queue() == []


@pytest.mark.parametrize("open_to_it", [True, False], ids=["open", "closed"])
async def test_what_becomes_late_after_all_comes_directly_or_is_kept(
    house: House, square: Channel, alice: Member, open_to_it: bool
) -> None:
    alice.user.refuses_dms = not open_to_it
    async with house.open() as bot:
        blocker = await house.occupy()
        message = await (await alice.slash(square, "imagine", prompt="a fish")).message()
        house.discord.expire_tokens()
        if open_to_it:
            await house.free(blocker)
            await house.discord.until(lambda: alice.dm.messages, PATIENCE)
            [sent] = alice.dm.messages
            await house.done(sent)
            assert len(sent.attachments) == 1
        else:
            with house.discord.expecting(50007):
                await house.free(blocker)
                await house.settled(bot)
        await house.settled(bot)
        assert square.messages == [message]
        listed = await (await alice.slash(square, "history")).message()
        assert listed.ephemeral
        assert "a fish" in listed.text()


async def test_somebody_who_has_removed_the_app_since_is_not_reached(
    house: House, abroad: Guild, square: Channel
) -> None:
    carla = abroad.add_member("carla")
    carla.user.installed = True
    async with house.open() as bot:
        blocker = await house.occupy()
        await carla.slash(square, "imagine", prompt="a fish")
        house.discord.expire_tokens()
        carla.user.installed = False
        with house.discord.expecting(50278):
            await house.free(blocker)
            await house.settled(bot)


async def test_several_at_once_are_as_many_as_discord_takes(
    house: House, square: Channel, alice: Member
) -> None:
    async with house.open() as bot:
        use = await alice.slash(square, "imagine", prompt="{1, 2, 3, 4} fishes")
        for message in [await use.message(), *[await use.followup(n) for n in range(3)]]:
            await house.done(message)
        said = await told(await alice.slash(square, "imagine", prompt="{1, 2, 3, 4, 5} fishes"))
        assert said.startswith("Here I can answer with 4 messages at a time.")
        await house.settled(bot)
        assert len(square.messages) == 4


async def test_a_conversation_of_people(house: House, alice: Member) -> None:
    friends = house.discord.add_group("friends", house.alice, house.bob)
    async with house.open() as bot:
        message = await paint(house, alice, friends)
        use = await house.bob.click(message, label="Again")
        await house.done(await use.message())
        hidden = await paint(house, alice, friends, private=True)
        assert hidden.ephemeral
        await house.settled(bot)
        said = await told(await house.bob.slash(house.bob.dm, "show", id=number(message)))
        assert said.startswith("There is no job 1")


@pytest.mark.parametrize("lack", ["send_messages", "attach_files", "use_external_apps"])
async def test_where_one_may_not_post_the_answer_is_ones_own(
    house: House, abroad: Guild, square: Channel, alice: Member, lack: str
) -> None:
    square.overwrite(abroad.everyone, deny=Permissions(**{lack: True}))
    async with house.open():
        message = await paint(house, alice, square)
        assert message.ephemeral
        assert len(message.attachments) == 1


async def test_what_a_server_has_decided_holds_in_it_for_those_with_the_app_too(
    house: House,
) -> None:
    house.alice.user.installed = True
    keeper = house.guild.add_member("keeper", permissions=Permissions(manage_guild=True))
    async with house.open():
        await keeper.slash(house.art, "words block", word="fish")
        await keeper.slash(house.art, "block", user=house.bob, reason="no")
        use = await house.alice.slash(house.art, "imagine", prompt="a fish")
        assert "not allowed in this server" in await told(use)
        message = await paint(house, house.alice, house.art)
        assert "asked me not to work for you" in await told_after(
            await house.bob.click(message, label="Again")
        )
        there = await house.bob.slash(house.bob.dm, "imagine", prompt="a fish")
        await house.done(await there.message())


async def test_the_menus_of_messages_work_there_too(
    house: House, square: Channel, alice: Member
) -> None:
    picture = png("a boat\nSteps: 2, Sampler: DDIM, CFG scale: 7, Seed: 5, Size: 64x64")
    message = await alice.say(square, "look", files=[picture])
    async with house.open() as bot:
        found = await (await alice.use_on_message(message, "Use these settings")).message()
        modal = await (await alice.click(found, label="Paint with these settings")).modal()
        painted = await house.done(await (await alice.submit(modal, {})).message())
        assert settings_line(painted)[-1] == "seed 5"
        found = await (await alice.use_on_message(message, "Use as start")).message()
        modal = await (await alice.click(found, label="Start from picture 1")).modal()
        use = await alice.submit(modal, {"Prompt": "a larger boat"})
        started = await house.done(await use.message())
        assert "from a picture, strength 0.6" in settings_line(started)
        details = await alice.use_on_message(painted, "Picture details")
        assert "a boat" in await told(details)
        await house.settled(bot)


async def test_two_clicks_at_once_far_from_home(
    house: House, square: Channel, alice: Member
) -> None:
    async with house.open() as bot:
        message = await paint(house, alice, square)
        uses = await asyncio.gather(*(alice.click(message, label="Again") for _ in range(2)))
        for use in uses:
            await house.done(await use.message())
        await house.settled(bot)
        assert len(square.messages) == 3


async def test_who_keeps_order_in_a_server_that_it_is_not_in_has_no_say(
    house: House, abroad: Guild, square: Channel, alice: Member
) -> None:
    zed = abroad.add_member(
        "zed",
        permissions=Permissions(manage_messages=True, moderate_members=True, manage_guild=True),
    )
    async with house.open() as bot:
        message = await paint(house, alice, square)
        await house.settled(bot)
        said = await told_after(await zed.click(message, label="Delete"))
        assert said == "Only the one who asked for job 1 can delete it."
        assert not message.deleted


async def test_whoever_shares_no_server_with_it_is_told_what_would_help(
    house: House, abroad: Guild, square: Channel, alice: Member
) -> None:
    zed = abroad.add_member("zed")
    async with house.open() as bot:
        message = await paint(house, alice, square)
        with house.discord.expecting(50278):
            use = await zed.click(message, label="Send to DM")
            assert (await use.followup()).text() == (
                "I cannot write to you: we share no server. Add me to your own apps, or join a "
                "server that I am in, and try again."
            )
        alice.user.refuses_dms = True
        with house.discord.expecting(50007):
            use = await alice.click(message, label="Send to DM")
            assert (await use.followup()).text() == (
                "I may not write to you: allow direct messages in the privacy settings of a server "
                "that we share."
            )
        await house.settled(bot)


async def test_a_message_out_of_reach_is_told_of_and_its_own_button_takes_it_away(
    house: House, square: Channel, alice: Member
) -> None:
    async with house.open() as bot:
        message = await paint(house, alice, square)
        await house.settled(bot)
        house.discord.expire_tokens()
        await bot.studio.set_home(1, (await bot.studio.job(1)).home | {"expires_at": 0.0})
        mine = await (await house.alice.slash(house.art, "history")).message()
        assert await told_after(await house.alice.select(mine, "delete:1")) == (
            "Job 1 is deleted, but I cannot reach its message any more: click **Delete** there."
        )
        assert not message.deleted
        await alice.click(message, label="Delete")
        await house.discord.until(lambda: message.deleted)
