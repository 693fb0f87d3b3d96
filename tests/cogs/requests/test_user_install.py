"""Where the bot is not itself: in direct messages, and with those who brought it along."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cogs.requests.user_install import MAX_SECONDS
from engine import ImageRequest, ModelSettings, Requester
from tests.cogs.actions.test_context_menus import png
from tests.cogs.app import PATIENCE, App, number, settings_line, told, told_after, until
from tests.discord_server import Channel, ClientRefuses, Guild, Member, Message, Permissions


@pytest.fixture
def abroad(app: App) -> Guild:
    """A server that the bot has never been in, and knows nothing of."""
    return app.discord.add_guild("Abroad", joined=False)


@pytest.fixture
def square(abroad: Guild) -> Channel:
    """A channel there."""
    return abroad.add_channel("square")


@pytest.fixture
def alice(app: App, abroad: Guild) -> Member:
    """Alice there, who has installed the bot for herself."""
    app.alice.user.installed = True
    return abroad.add_member("alice")


async def paint(app: App, who: Member, where: Channel, **more: Any) -> Message:
    """What somebody gets there."""
    use = await who.slash(where, "imagine", prompt="a red house", **more)
    return await app.done(await use.message())


async def test_direct_messages_are_a_place_to_paint_in(app: App) -> None:
    async with app.open():
        blocker = await app.occupy()
        use = await app.alice.slash(app.alice.dm, "imagine", prompt="a surprise")
        message = await use.message()
        assert not message.ephemeral
        app.discord.expire_tokens()
        theirs = await told(await app.bob.slash(app.bob.dm, "queue"))
        assert theirs == "-# 2 elsewhere"
        assert "a surprise" in await told(await app.alice.slash(app.alice.dm, "queue"))
        assert "a surprise" in await told(await app.alice.slash(app.art, "queue"))
        assert "a surprise" not in await told(await app.bob.slash(app.art, "queue"))
        await app.free(blocker)
        await app.done(message)
        assert len(message.attachments) == 1
        again = await (await app.alice.click(message, label="Again")).message()
        assert again.channel is app.alice.dm
        listed = await (await app.alice.slash(app.art, "history")).message()
        again = await (await app.alice.select(listed, "again:2")).message()
        assert again.ephemeral, "what was asked for in private stays so"
        with pytest.raises(ClientRefuses, match="not for this context"):
            await app.alice.slash(app.alice.dm, "settings")


async def test_who_has_it_for_themselves_paints_where_it_is_not(
    app: App, abroad: Guild, square: Channel, alice: Member
) -> None:
    bob = abroad.add_member("bob")
    with pytest.raises(ClientRefuses):
        await bob.slash(square, "imagine", prompt="x")
    async with app.open() as bot:
        with pytest.raises(ClientRefuses, match="not installed"):
            await bob.slash(square, "imagine", prompt="x")
        with pytest.raises(ClientRefuses, match="not installed"):
            await alice.slash(square, "model list")
        message = await paint(app, alice, square)
        assert square.messages == [message]
        assert len(message.attachments) == 1
        use = await bob.click(message, label="Again")
        again = await app.done(await use.message())
        assert bob.mention in again.text()
        use = await bob.click(message, label="Vary (subtle)")
        await app.done(await use.message())
        await alice.click(message, label="⭐")
        said = await told(await bob.slash(bob.dm, "show", id=1))
        assert said.startswith("Job 1 no longer exists or isn't visible here")
        await app.settled(bot)
        await alice.click(message, label="Delete")
        await app.discord.until(lambda: message.deleted)
        as_bot = [each for each in app.discord.requests if each.path.startswith("/channels/")]
        assert as_bot == [], "it can do nothing there without the interaction's token"


async def test_a_wait_that_is_too_long_is_refused_before_it_is_queued(
    app: App, square: Channel, alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.open() as bot:
        await paint(app, alice, square)
        await app.occupy()
        heavy = [ImageRequest(prompt="a fish", model="slow", num_inference_steps=150, count=4)]

        async def expected() -> float | None:
            return await bot.studio.forecast(heavy, Requester(owner="1"))

        seconds = await until(expected, lambda known: known is not None)
        assert seconds is not None
        monkeypatch.setattr("cogs.requests.user_install.MAX_SECONDS", seconds / 50)
        before = bot.studio.queue()
        use = await alice.slash(square, "imagine", prompt="a fish", model="slow", count=4)
        said = await told(use)
        assert said.startswith("Your picture would take about ")
        assert "my DMs" in said
        assert [job.id for job, _ in bot.studio.queue()] == [job.id for job, _ in before]
        there = await alice.slash(alice.dm, "imagine", prompt="a fish", model="slow", count=4)
        assert "in line" in (await there.message()).text()
        hidden = await alice.slash(square, "imagine", prompt="a fish", private=True)
        assert (await hidden.message()).ephemeral, "this one may come directly"
    assert MAX_SECONDS < 15 * 60


async def test_a_model_that_has_to_be_downloaded_first_is_refused(
    app: App, square: Channel, alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = ModelSettings(source="someone/far")
    models = app.models()
    monkeypatch.setattr(app, "models", lambda: models | {"far": far})
    async with app.open() as bot:
        use = await alice.slash(square, "imagine", prompt="a fish", model="far")
        assert (await told(use)).startswith("far has to be downloaded first")
        assert bot.studio.queue() == []


@pytest.mark.parametrize("open_to_it", [True, False], ids=["open", "closed"])
async def test_what_becomes_late_after_all_comes_directly_or_is_kept(
    app: App, square: Channel, alice: Member, open_to_it: bool
) -> None:
    alice.user.refuses_dms = not open_to_it
    async with app.open() as bot:
        blocker = await app.occupy()
        message = await (await alice.slash(square, "imagine", prompt="a fish")).message()
        app.discord.expire_tokens()
        if open_to_it:
            await app.free(blocker)
            await app.discord.until(lambda: alice.dm.messages, PATIENCE)
            [sent] = alice.dm.messages
            await app.done(sent)
            assert len(sent.attachments) == 1
        else:
            with app.discord.expecting(50007):
                await app.free(blocker)
                await app.settled(bot)
        await app.settled(bot)
        assert square.messages == [message]
        listed = await (await alice.slash(square, "history")).message()
        assert listed.ephemeral
        assert "a fish" in listed.text()


async def test_somebody_who_has_removed_the_app_since_is_not_reached(
    app: App, abroad: Guild, square: Channel
) -> None:
    carla = abroad.add_member("carla")
    carla.user.installed = True
    async with app.open() as bot:
        blocker = await app.occupy()
        await carla.slash(square, "imagine", prompt="a fish")
        app.discord.expire_tokens()
        carla.user.installed = False
        with app.discord.expecting(50278):
            await app.free(blocker)
            await app.settled(bot)


async def test_several_at_once_are_as_many_as_discord_takes(
    app: App, square: Channel, alice: Member
) -> None:
    async with app.open() as bot:
        use = await alice.slash(square, "imagine", prompt="{1, 2, 3, 4} fishes")
        for message in [await use.message(), *[await use.followup(n) for n in range(3)]]:
            await app.done(message)
        said = await told(await alice.slash(square, "imagine", prompt="{1, 2, 3, 4, 5} fishes"))
        assert said.startswith("I can only reply with 4 messages at a time here.")
        await app.settled(bot)
        assert len(square.messages) == 4


async def test_a_conversation_of_people(app: App, alice: Member) -> None:
    friends = app.discord.add_group("friends", app.alice, app.bob)
    async with app.open() as bot:
        message = await paint(app, alice, friends)
        use = await app.bob.click(message, label="Again")
        await app.done(await use.message())
        hidden = await paint(app, alice, friends, private=True)
        assert hidden.ephemeral
        await app.settled(bot)
        said = await told(await app.bob.slash(app.bob.dm, "show", id=number(message)))
        assert said.startswith("Job 1 no longer exists")


@pytest.mark.parametrize("lack", ["send_messages", "attach_files", "use_external_apps"])
async def test_where_one_may_not_post_the_answer_is_ones_own(
    app: App, abroad: Guild, square: Channel, alice: Member, lack: str
) -> None:
    square.overwrite(abroad.everyone, deny=Permissions(**{lack: True}))
    async with app.open():
        message = await paint(app, alice, square)
        assert message.ephemeral
        assert len(message.attachments) == 1


async def test_what_a_server_has_decided_holds_in_it_for_those_with_the_app_too(
    app: App,
) -> None:
    app.alice.user.installed = True
    moderation = app.guild.add_member("keeper", permissions=Permissions(manage_guild=True))
    async with app.open():
        await moderation.slash(app.art, "words block", word="fish")
        await moderation.slash(app.art, "block", user=app.bob, reason="no")
        use = await app.alice.slash(app.art, "imagine", prompt="a fish")
        assert "isn't allowed in this server" in await told(use)
        message = await paint(app, app.alice, app.art)
        assert "blocked you from using me" in await told_after(
            await app.bob.click(message, label="Again")
        )
        there = await app.bob.slash(app.bob.dm, "imagine", prompt="a fish")
        await app.done(await there.message())


async def test_the_menus_of_messages_work_there_too(
    app: App, square: Channel, alice: Member
) -> None:
    picture = png("a boat\nSteps: 2, Sampler: DDIM, CFG scale: 7, Seed: 5, Size: 64x64")
    message = await alice.say(square, "look", files=[picture])
    async with app.open() as bot:
        found = await (await alice.use_on_message(message, "Use these settings")).message()
        modal = await (await alice.click(found, label="Paint with these settings")).modal()
        painted = await app.done(await (await alice.submit(modal, {})).message())
        assert settings_line(painted)[-1] == "seed 5"
        found = await (await alice.use_on_message(message, "Use as start image")).message()
        modal = await (await alice.click(found, label="Start from picture 1")).modal()
        use = await alice.submit(modal, {"Prompt": "a larger boat"})
        started = await app.done(await use.message())
        assert "start image, strength 0.6" in settings_line(started)
        details = await alice.use_on_message(painted, "Picture details")
        assert "a boat" in await told(details)
        await app.settled(bot)


async def test_two_clicks_at_once_far_from_home(app: App, square: Channel, alice: Member) -> None:
    async with app.open() as bot:
        message = await paint(app, alice, square)
        uses = await asyncio.gather(*(alice.click(message, label="Again") for _ in range(2)))
        for use in uses:
            await app.done(await use.message())
        await app.settled(bot)
        assert len(square.messages) == 3


async def test_who_keeps_order_in_a_server_that_it_is_not_in_has_no_say(
    app: App, abroad: Guild, square: Channel, alice: Member
) -> None:
    zed = abroad.add_member(
        "zed",
        permissions=Permissions(manage_messages=True, moderate_members=True, manage_guild=True),
    )
    async with app.open() as bot:
        message = await paint(app, alice, square)
        await app.settled(bot)
        said = await told_after(await zed.click(message, label="Delete"))
        assert said == "Only the person who requested job 1 can delete it."
        assert not message.deleted


async def test_whoever_shares_no_server_with_it_is_told_what_would_help(
    app: App, abroad: Guild, square: Channel, alice: Member
) -> None:
    zed = abroad.add_member("zed")
    async with app.open() as bot:
        message = await paint(app, alice, square)
        with app.discord.expecting(50278):
            use = await zed.click(message, label="Send to DM")
            assert (await use.followup()).text() == (
                "I can't DM you because we don't share a server. Add me to your apps or join a "
                "server I'm in, then try again."
            )
        alice.user.refuses_dms = True
        with app.discord.expecting(50007):
            use = await alice.click(message, label="Send to DM")
            assert (await use.followup()).text() == (
                "I can't DM you. Allow direct messages in the privacy settings of a server we "
                "share."
            )
        await app.settled(bot)


async def test_a_message_out_of_reach_is_told_of_and_its_own_button_takes_it_away(
    app: App, square: Channel, alice: Member
) -> None:
    async with app.open() as bot:
        message = await paint(app, alice, square)
        await app.settled(bot)
        app.discord.expire_tokens()
        await bot.studio.set_message_ref(
            1, (await bot.studio.job(1)).message_ref | {"expires_at": 0.0}
        )
        mine = await (await app.alice.slash(app.art, "history")).message()
        assert await told_after(await app.alice.select(mine, "delete:1")) == (
            "Job 1 was deleted, but I can't reach its message. Click **Delete** there."
        )
        assert not message.deleted
        await alice.click(message, label="Delete")
        await app.discord.until(lambda: message.deleted)
