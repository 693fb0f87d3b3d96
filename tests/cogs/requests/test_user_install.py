"""The bot in DMs, and where only the user installed it."""

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
def foreign_guild(app: App) -> Guild:
    """A server that the bot is not a member of."""
    return app.discord.add_guild("Abroad", joined=False)


@pytest.fixture
def channel(foreign_guild: Guild) -> Channel:
    """A channel there."""
    return foreign_guild.add_channel("channel")


@pytest.fixture
def alice(app: App, foreign_guild: Guild) -> Member:
    """Alice there; she installed the bot for her account."""
    app.alice.user.installed = True
    return foreign_guild.add_member("alice")


async def paint(app: App, who: Member, where: Channel, **more: Any) -> Message:
    """The result of /imagine there."""
    use = await who.slash(where, "imagine", prompt="a red house", **more)
    return await app.done(await use.message())


async def test_painting_works_in_dms(app: App) -> None:
    async with app.open():
        blocker = await app.occupy()
        use = await app.alice.slash(app.alice.dm, "imagine", prompt="a surprise")
        message = await use.message()
        assert not message.ephemeral
        app.discord.expire_tokens()
        theirs = await told(await app.bob.slash(app.bob.dm, "queue"))
        assert theirs == "### Queue (2)\n-# 2 private or elsewhere"
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
        assert again.ephemeral, "what was requested in private stays private"
        with pytest.raises(ClientRefuses, match="not for this context"):
            await app.alice.slash(app.alice.dm, "settings")


async def test_a_user_install_paints_where_the_bot_is_not_a_member(
    app: App, foreign_guild: Guild, channel: Channel, alice: Member
) -> None:
    bob = foreign_guild.add_member("bob")
    with pytest.raises(ClientRefuses):
        await bob.slash(channel, "imagine", prompt="x")
    async with app.open() as bot:
        with pytest.raises(ClientRefuses, match="not installed"):
            await bob.slash(channel, "imagine", prompt="x")
        with pytest.raises(ClientRefuses, match="not installed"):
            await alice.slash(channel, "model list")
        message = await paint(app, alice, channel)
        assert channel.messages == [message]
        assert len(message.attachments) == 1
        use = await bob.click(message, label="Again")
        again = await app.done(await use.message())
        assert bob.mention in again.text()
        use = await bob.click(message, label="Vary (subtle)")
        await app.done(await use.message())
        await alice.click(message, label="⭐")
        said = await told(await bob.slash(bob.dm, "show", id=1))
        assert said.startswith("Job 1 doesn't exist or isn't visible here")
        await app.settled(bot)
        await alice.click(message, label="Delete")
        await app.discord.until(lambda: message.deleted)
        as_bot = [each for each in app.discord.requests if each.path.startswith("/channels/")]
        assert as_bot == [], "it can't do anything there without the interaction's token"


async def test_too_long_a_wait_is_refused_before_anything_is_queued(
    app: App, channel: Channel, alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.open() as bot:
        await paint(app, alice, channel)
        await app.occupy()
        heavy = [ImageRequest(prompt="a fish", model="slow", num_inference_steps=150, count=4)]

        async def expected() -> float | None:
            return await bot.studio.forecast(heavy, Requester(owner="1"))

        seconds = await until(expected, lambda known: known is not None)
        assert seconds is not None
        monkeypatch.setattr("cogs.requests.user_install.MAX_SECONDS", seconds / 50)
        before = bot.studio.queue()
        use = await alice.slash(channel, "imagine", prompt="a fish", model="slow", count=4)
        said = await told(use)
        assert said.startswith("Your picture would take about ")
        assert "my DMs" in said
        assert [job.id for job, _ in bot.studio.queue()] == [job.id for job, _ in before]
        there = await alice.slash(alice.dm, "imagine", prompt="a fish", model="slow", count=4)
        assert "in line" in (await there.message()).text()
        hidden = await alice.slash(channel, "imagine", prompt="a fish", private=True)
        assert (await hidden.message()).ephemeral, "this one may be sent as a DM"
    assert MAX_SECONDS < 15 * 60


async def test_a_model_that_has_to_be_downloaded_first_is_refused(
    app: App, channel: Channel, alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = ModelSettings(source="someone/far")
    models = app.models()
    monkeypatch.setattr(app, "models", lambda: models | {"far": far})
    async with app.open() as bot:
        use = await alice.slash(channel, "imagine", prompt="a fish", model="far")
        assert (await told(use)).startswith("far has to be downloaded first")
        assert bot.studio.queue() == []


@pytest.mark.parametrize("accepts_dms", [True, False], ids=["accepted", "refused"])
async def test_a_late_result_is_sent_as_a_dm_or_kept(
    app: App, channel: Channel, alice: Member, accepts_dms: bool
) -> None:
    alice.user.refuses_dms = not accepts_dms
    async with app.open() as bot:
        blocker = await app.occupy()
        message = await (await alice.slash(channel, "imagine", prompt="a fish")).message()
        app.discord.expire_tokens()
        if accepts_dms:
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
        assert channel.messages == [message]
        listed = await (await alice.slash(channel, "history")).message()
        assert listed.ephemeral
        assert "a fish" in listed.text()


async def test_a_user_who_removed_the_app_is_not_reached(
    app: App, foreign_guild: Guild, channel: Channel
) -> None:
    carla = foreign_guild.add_member("carla")
    carla.user.installed = True
    async with app.open() as bot:
        blocker = await app.occupy()
        await carla.slash(channel, "imagine", prompt="a fish")
        app.discord.expire_tokens()
        carla.user.installed = False
        with app.discord.expecting(50278):
            await app.free(blocker)
            await app.settled(bot)


async def test_as_many_prompts_as_discord_allows_follow_ups(
    app: App, channel: Channel, alice: Member
) -> None:
    async with app.open() as bot:
        use = await alice.slash(channel, "imagine", prompt="{1, 2, 3, 4} fishes")
        for message in [await use.message(), *[await use.followup(n) for n in range(3)]]:
            await app.done(message)
        said = await told(await alice.slash(channel, "imagine", prompt="{1, 2, 3, 4, 5} fishes"))
        assert said.startswith("I can only reply with 4 messages at a time here.")
        await app.settled(bot)
        assert len(channel.messages) == 4


async def test_group_dms(app: App, alice: Member) -> None:
    friends = app.discord.add_group("friends", app.alice, app.bob)
    async with app.open() as bot:
        message = await paint(app, alice, friends)
        use = await app.bob.click(message, label="Again")
        await app.done(await use.message())
        hidden = await paint(app, alice, friends, private=True)
        assert hidden.ephemeral
        await app.settled(bot)
        said = await told(await app.bob.slash(app.bob.dm, "show", id=number(message)))
        assert said.startswith("Job 1 doesn't exist")


@pytest.mark.parametrize("lack", ["send_messages", "attach_files", "use_external_apps"])
async def test_the_answer_is_ephemeral_where_the_user_may_not_post(
    app: App, foreign_guild: Guild, channel: Channel, alice: Member, lack: str
) -> None:
    channel.overwrite(foreign_guild.everyone, deny=Permissions(**{lack: True}))
    async with app.open():
        message = await paint(app, alice, channel)
        assert message.ephemeral
        assert len(message.attachments) == 1


async def test_the_rules_of_a_server_apply_to_user_installs_too(
    app: App,
) -> None:
    app.alice.user.installed = True
    moderator = app.guild.add_member("keeper", permissions=Permissions(manage_guild=True))
    async with app.open():
        await moderator.slash(app.art, "words block", word="fish")
        await moderator.slash(app.art, "block", user=app.bob, reason="no")
        use = await app.alice.slash(app.art, "imagine", prompt="a fish")
        assert "isn't allowed in this server" in await told(use)
        message = await paint(app, app.alice, app.art)
        assert "blocked you from using me" in await told_after(
            await app.bob.click(message, label="Again")
        )
        there = await app.bob.slash(app.bob.dm, "imagine", prompt="a fish")
        await app.done(await there.message())


async def test_context_menus_work_there_too(app: App, channel: Channel, alice: Member) -> None:
    picture = png("a boat\nSteps: 2, Sampler: DDIM, CFG scale: 7, Seed: 5, Size: 64x64")
    message = await alice.say(channel, "look", files=[picture])
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


async def test_two_clicks_at_once_where_the_bot_is_not_a_member(
    app: App, channel: Channel, alice: Member
) -> None:
    async with app.open() as bot:
        message = await paint(app, alice, channel)
        uses = await asyncio.gather(*(alice.click(message, label="Again") for _ in range(2)))
        for use in uses:
            await app.done(await use.message())
        await app.settled(bot)
        assert len(channel.messages) == 3


async def test_moderators_of_a_server_without_the_bot_have_no_powers(
    app: App, foreign_guild: Guild, channel: Channel, alice: Member
) -> None:
    zed = foreign_guild.add_member(
        "zed",
        permissions=Permissions(manage_messages=True, moderate_members=True, manage_guild=True),
    )
    async with app.open() as bot:
        message = await paint(app, alice, channel)
        await app.settled(bot)
        said = await told_after(await zed.click(message, label="Delete"))
        assert said == "Only the person who requested job 1 can delete it."
        assert not message.deleted


async def test_a_dm_that_cannot_be_sent_is_answered_with_what_would_help(
    app: App, foreign_guild: Guild, channel: Channel, alice: Member
) -> None:
    zed = foreign_guild.add_member("zed")
    async with app.open() as bot:
        message = await paint(app, alice, channel)
        with app.discord.expecting(50278):
            use = await app.press(zed, message, "Send to DM")
            assert (await use.followup()).text() == (
                "I can't DM you because we don't share a server. Add me to your apps or join a "
                "server I'm in, then try again."
            )
        alice.user.refuses_dms = True
        with app.discord.expecting(50007):
            use = await app.press(alice, message, "Send to DM")
            assert (await use.followup()).text() == (
                "I can't DM you. Allow direct messages in the privacy settings of a server we "
                "share."
            )
        await app.settled(bot)


async def test_an_unreachable_message_is_mentioned_and_its_own_button_deletes_it(
    app: App, channel: Channel, alice: Member
) -> None:
    async with app.open() as bot:
        message = await paint(app, alice, channel)
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
