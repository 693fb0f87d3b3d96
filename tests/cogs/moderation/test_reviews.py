"""/words review: a prompt waits until a moderator has looked at it, on every way in."""

from __future__ import annotations

import asyncio

import pytest
from discord import Permissions

from cogs.message_ref import MessageRef
from cogs.moderation.review_cards import approved_view, declined_view, prompt_excerpt, review_view
from engine import REVIEW_LIFETIME, ImageRequest, Review
from tests.cogs.app import App, number, refused, told, told_after, until
from tests.discord_server import Channel, Member, Message
from tests.speech.chinese import say_in_chinese

WAITS = (
    "Your prompt contains a word that a moderator of this server must review first. It will "
    "wait until <t:"
)


@pytest.fixture
def manager(app: App) -> Member:
    """Somebody with Manage Server."""
    return app.guild.add_member("manager", permissions=Permissions(manage_guild=True))


@pytest.fixture
def mods(app: App) -> tuple[Member, Member]:
    """Two with Timeout Members."""
    permissions = Permissions(moderate_members=True)
    first, second = (app.guild.add_member(name, permissions=permissions) for name in ("m1", "m2"))
    return first, second


@pytest.fixture
def submission(app: App) -> Channel:
    """Where moderators are asked."""
    return app.guild.add_channel("desk")


async def ask_there(who: Member, app: App, submission: Channel) -> None:
    """Have moderators asked in that channel."""
    job_events = await (await who.slash(app.art, "settings")).message()
    await who.click(job_events, custom_id="atelier-settings-page:order")
    await who.select(job_events, submission, custom_id="atelier-setting:reviews")


def message_ref_in(app: App) -> MessageRef:
    """Where a request of Alice's belongs whose interaction is long over."""
    return MessageRef(
        guild_id=app.guild.id,
        channel_id=app.art.id,
        message_id=None,
        application_id=app.discord.application_id,
        token="",
        expires_at=0.0,
        upload_limit=10**7,
        person=app.alice.user.id,
    )


async def shown(app: App, where: Channel, text: str = "asked for") -> Message:
    """The latest message there with that text, once it is there."""
    await app.discord.until(lambda: any(text in each.text() for each in public(where)))
    return [each for each in public(where) if text in each.text()][-1]


def public(where: Channel) -> list[Message]:
    """What everybody reads there."""
    return [each for each in where.history if not each.ephemeral]


def shows(message: Message, text: str) -> bool:
    return text in message.text()


async def test_a_request_is_asked_about_and_painted_once_allowed_even_after_a_restart(
    app: App, manager: Member, mods: tuple[Member, Member], submission: Channel
) -> None:
    async with app.open():
        await ask_there(manager, app, submission)
        use = await manager.slash(app.art, "words review", word="blood")
        assert f"<#{submission.id}>" in await told(use)
        use = await app.alice.slash(app.art, "imagine", prompt="a *bl(oo)d* moon", count=2, seed=5)
        assert (await told(use)).startswith(WAITS)
        card = await shown(app, submission)
        assert not public(app.art)
        assert f"{app.alice.mention} asked for 2 pictures in <#{app.art.id}>" in card.text()
        assert "||a \\*bl(oo)d\\* moon||" in card.text()
        assert "Held for: ||blood||" in card.text()
    async with app.open() as bot:
        await mods[0].click(card, label="Approve")
        result = await app.done(await shown(app, app.art, "bl(oo)d"))
        assert len(result.attachments) == 2
        assert f"{app.alice.mention} · job {number(result)}" in result.text()
        assert (await bot.studio.job(number(result))).owner == str(app.alice.user.id)
        assert card.text().startswith(f"{mods[0].mention} approved {app.alice.mention}")
        assert not card.labels
        told_so = await shown(app, app.alice.dm, "approved your request")
        assert str(result.id) in told_so.text()
        line = await told(await mods[1].slash(app.art, "audit"))
        assert f"approved {app.alice.mention}'s request: ||a \\*bl(oo)d\\* moon||" in line
        await app.settled(bot)


async def test_who_asked_is_told_of_a_refusal_and_nothing_is_left_of_the_prompt(
    app: App, manager: Member, mods: tuple[Member, Member]
) -> None:
    async with app.open() as bot:
        await manager.slash(app.art, "words review", word="blood")
        for who in (app.alice, app.bob):
            await who.slash(app.art, "imagine", prompt="a blood moon", negative_prompt="fog")
            card = await shown(app, app.art)
            assert "||a blood moon|| · without ||fog||" in card.text()
            if who is app.bob:
                app.discord.fail_next(path="/users/@me/channels", status=403, code=50007)
            await mods[0].click(card, label="Decline")
            await app.discord.until(lambda: shows(card, "declined <@"))  # noqa: B023
            assert "moon" not in card.text()
        await shown(app, app.alice.dm, "declined your request: ||a blood moon||")
        called = await shown(app, app.art, "the moderators declined")
        assert called.text().startswith(app.bob.mention)
        assert called.pings == [str(app.bob.user.id)]
        assert not await bot.studio.undelivered()
        lines = await told(await manager.slash(app.art, "audit"))
        assert lines.count("declined <@") == 2


async def test_every_way_in_waits(
    app: App, manager: Member, mods: tuple[Member, Member], submission: Channel
) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice, "a blood moon")
        await ask_there(manager, app, submission)
        await manager.slash(app.art, "words review", word="blood")
        form = await (await manager.slash(app.art, "style add", name="gothic")).modal()
        await manager.submit(form, {"Template (include {prompt})": "{prompt} in blood"})
        assert (await told(await app.bob.click(message, label="Again"))).startswith(WAITS)
        use = await app.bob.click(message, label="Vary (subtle)")
        assert (await refused(use)).startswith(WAITS)
        form = await (await app.bob.click(message, label="Remix")).modal()
        use = await app.bob.submit(form, {"Prompt": "a moon of blood"})
        assert (await told(use)).startswith(WAITS)
        use = await app.alice.slash(app.art, "imagine", prompt="a moon", style="gothic")
        assert (await told(use)).startswith(WAITS)
        assert len(public(submission)) == 4
        await mods[0].click(await shown(app, submission, "Uses a start image."), label="Approve")
        varied = await app.done(await shown(app, app.art, app.bob.mention))
        job = await bot.studio.job(number(varied))
        assert job.parent == (number(message), 0)
        assert (await told(await manager.slash(app.art, "audit"))).count("approved <@") == 1


async def test_several_prompts_wait_together(
    app: App, manager: Member, mods: tuple[Member, Member], submission: Channel
) -> None:
    async with app.open() as bot:
        await ask_there(manager, app, submission)
        await manager.slash(app.art, "words review", word="blood")
        use = await app.alice.slash(app.art, "imagine", prompt="a {red, blood} moon")
        assert (await told(use)).startswith(WAITS)
        use = await app.alice.slash(app.art, "imagine", prompt="a {red, blue, blood} {moon, sun}")
        question = await use.message()
        await app.alice.click(question, label="Paint 6 pictures")
        await app.discord.until(lambda: question.text() == "Sent to a moderator for review.")
        assert "> ||a blue sun||" in (await shown(app, submission)).text()
        assert not await bot.studio.undelivered()
        await mods[0].click(public(submission)[0], label="Approve")
        for prompt in ("a red moon", "a blood moon"):
            await app.done(await shown(app, app.art, prompt))
        await app.settled(bot)


async def test_it_is_queued_once_however_many_click(
    app: App, manager: Member, mods: tuple[Member, Member]
) -> None:
    async with app.open() as bot:
        await manager.slash(app.art, "words review", word="blood")
        await app.alice.slash(app.art, "imagine", prompt="a blood moon")
        card = await shown(app, app.art)
        use = await app.bob.click(card, label="Approve")
        assert (await told_after(use)).startswith("You need the Timeout Members")
        use = await app.alice.click(card, label="Approve")
        assert (await told_after(use)).startswith("You need the Timeout Members")
        one, two = await asyncio.gather(
            mods[0].click(card, label="Approve"), mods[1].click(card, label="Decline")
        )
        await app.discord.until(lambda: one.followups or two.followups)
        [late] = [use for use in (one, two) if use.followups]
        assert await told_after(late) == "Another moderator has already decided this."
        await app.discord.until(lambda: not card.labels)
        allowed = late is two
        assert shows(card, "approved <@") == allowed
        await app.settled(bot)
        assert len(await bot.studio.moderation.audit_entries(f"guild:{app.guild.id}", 50)) == 2


async def test_the_member_has_their_own_limits_and_may_be_blocked_or_gone_by_then(
    app: App, manager: Member, mods: tuple[Member, Member]
) -> None:
    async with app.open(limits={"pictures_per_hour": 3}) as bot:
        await manager.slash(app.art, "words review", word="blood")
        await app.alice.slash(app.art, "imagine", prompt="a blood moon", count=2)
        card = await shown(app, app.art)
        await app.painted(app.alice, count=2)
        text = await told_after(await mods[0].click(card, label="Approve"))
        assert text == (
            f"This can't be queued now; {app.alice.mention} would see: “You asked for "
            "2, but you have 1 left of 3 pictures an hour.” It stays open."
        )
        await manager.slash(app.art, "block", user=app.alice, reason="spam")
        text = await told_after(await mods[0].click(card, label="Approve"))
        assert text == (
            f"{app.alice.mention} is now blocked. Use `/unblock` first, or decline the request."
        )
        await manager.slash(app.art, "unblock", user=app.alice)
        await manager.slash(app.art, "words block", word="moon")
        text = await told_after(await mods[0].click(card, label="Approve"))
        assert "would see: “Your prompt contains a word that isn't allowed" in text
        del app.guild.members[app.alice.user.id]
        with app.discord.expecting(10007), app.discord.expecting(50278):
            text = await told_after(await mods[0].click(card, label="Approve"))
            assert text == (
                f"{app.alice.mention} is no longer in this server. Decline the request."
            )
            await mods[0].click(card, label="Decline")
            await shown(app, app.art, "the moderators declined")
        assert shows(card, "declined <@")
        await app.settled(bot)


async def test_what_waits_too_long_is_over(
    app: App,
    manager: Member,
    mods: tuple[Member, Member],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with app.open() as bot:
        await manager.slash(app.art, "words review", word="blood")
        await app.alice.slash(app.art, "imagine", prompt="a blood moon")
        card = await shown(app, app.art)
        review = await bot.studio.moderation.reviews.get(1, f"guild:{app.guild.id}")
        late = review.asked_at + REVIEW_LIFETIME + 1
        monkeypatch.setattr("engine.store.reviews.time.time", lambda: late)
        sentence = "This request waited too long and has expired."
        assert await told_after(await mods[0].click(card, label="Approve")) == sentence
        assert card.text() == sentence
        assert not card.labels
        assert not await bot.studio.undelivered()


async def test_somebody_asks_for_so_many_at_a_time_only(
    app: App, manager: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.store.reviews.MAX_HELD", 2)
    async with app.open():
        await manager.slash(app.art, "words review", word="blood")
        for _ in range(2):
            use = await app.alice.slash(app.art, "imagine", prompt="blood " * 300)
            assert (await told(use)).startswith(WAITS)
        use = await app.alice.slash(app.art, "imagine", prompt="blood")
        assert await told(use) == (
            "2 of your requests already wait for a moderator. Ask again once one has been reviewed."
        )
        use = await app.bob.slash(app.art, "imagine", prompt="blood")
        assert (await told(use)).startswith(WAITS)


async def test_where_moderators_cannot_be_asked_it_is_asked_in_place_or_said_at_once(
    app: App, manager: Member, submission: Channel
) -> None:
    async with app.open() as bot:
        await ask_there(manager, app, submission)
        await manager.slash(app.art, "words review", word="blood")
        app.guild.remove_channel(submission)
        use = await app.alice.slash(app.art, "imagine", prompt="blood")
        assert (await told(use)).startswith(WAITS)
        await shown(app, app.art)
        use = await app.alice.slash(app.art, "imagine", prompt="blood", private=True)
        assert "I can't reach one from here" in await refused(use)
        assert len(public(app.art)) == 1
        scope = f"guild:{app.guild.id}"
        await until(lambda: bot.studio.moderation.reviews.get(1, scope), lambda found: found)


async def test_a_private_request_is_answered_in_private(
    app: App, manager: Member, mods: tuple[Member, Member], submission: Channel
) -> None:
    async with app.open() as bot:
        await ask_there(manager, app, submission)
        await manager.slash(app.art, "words review", word="blood")
        use = await app.alice.slash(app.art, "imagine", prompt="blood", private=True)
        assert (await told(use)).startswith(WAITS)
        await mods[0].click(await shown(app, submission), label="Approve")
        result = await app.done(await shown(app, app.alice.dm, "blood"))
        assert len(result.attachments) == 1
        assert not public(app.art)
        await app.settled(bot)


async def test_everybody_reads_the_servers_language_and_each_their_own(
    app: App,
    manager: Member,
    mods: tuple[Member, Member],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asking = "{member} asked for {pictures} in {channel}. This needs a moderator's approval."
    words = {
        asking: "{member} 在 {channel} 请求 {pictures}。",
        "{number} picture": "{number} 张图片",
        "Approve": "批准",
        "{moderator} approved {member}'s request.": "{moderator} 批准了 {member} 的请求。",
        "approved {member}'s request: {prompt}": "批准了 {member} 的请求：{prompt}",
    }
    say_in_chinese(monkeypatch, words)
    mods[1].locale = "zh-CN"
    alice = app.alice.mention
    async with app.open():
        job_events = await (await manager.slash(app.art, "settings")).message()
        await manager.click(job_events, custom_id="atelier-settings-page:order")
        await manager.select(job_events, "zh_CN", custom_id="atelier-setting:language")
        await manager.slash(app.art, "words review", word="blood")
        use = await app.alice.slash(app.art, "imagine", prompt="blood")
        assert (await told(use)).startswith(WAITS)
        card = await shown(app, app.art, "1 张图片")
        await mods[0].click(card, label="批准")
        await app.discord.until(lambda: shows(card, f"批准了 {alice} 的请求。"))
        await app.done(await shown(app, app.art, "**blood**"))
        line = f"approved {alice}'s request: ||blood||"
        assert line in await told(await manager.slash(app.art, "audit"))
        line = f"批准了 {alice} 的请求：||blood||"
        assert line in await told(await mods[1].slash(app.art, "audit"))


async def test_what_a_kill_has_left_unseen_is_asked_about_at_the_next_start(
    app: App, mods: tuple[Member, Member]
) -> None:
    async with app.open() as bot:
        held = bot.studio.moderation.reviews
        request = [ImageRequest(prompt="a blood moon")]
        scope, owner = f"guild:{app.guild.id}", str(app.alice.user.id)
        review = await held.hold(scope, owner, message_ref_in(app).to_json(), request, ["blood"])
    async with app.open() as bot:
        held = bot.studio.moderation.reviews
        card = await shown(app, app.art)
        kept = await until(lambda: held.get(review.id, scope), lambda found: found.message)
        assert kept.message == (app.art.id, card.id)
    async with app.open() as bot:
        await mods[0].click(card, label="Approve")
        await app.done(await shown(app, app.art, "**a blood moon**"))
        assert sum("asked for" in each.looks[0].text() for each in public(app.art)) == 1
        await app.settled(bot)


async def test_a_moderator_finds_what_waits_when_its_question_was_deleted(
    app: App, manager: Member, mods: tuple[Member, Member], submission: Channel
) -> None:
    async with app.open() as bot:
        text = await told(await mods[0].slash(app.art, "words waiting"))
        assert text == "No requests are waiting for review here."
        await manager.slash(app.art, "words review", word="blood")
        for prompt in ("a blood moon", "a blood sun"):
            await app.alice.slash(app.art, "imagine", prompt=prompt)
        gone, there = await shown(app, app.art, "moon"), await shown(app, app.art, "sun")
        gone.deleted = True
        await ask_there(manager, app, submission)
        text = await told(await mods[0].slash(app.art, "words waiting"))
        again = await shown(app, submission, "moon")
        first, second = text.splitlines()
        for line, prompt, card, room in (
            (first, "a blood moon", again, submission),
            (second, "a blood sun", there, app.art),
        ):
            assert f"{app.alice.mention} ||{prompt}|| · " in line
            assert line.endswith(f"/{app.guild.id}/{room.id}/{card.id}")
        assert len(public(submission)) == 1
        await mods[0].click(again, label="Approve")
        await app.done(await shown(app, app.art, "**a blood moon**"))
        text = await told(await mods[0].slash(app.art, "words waiting"))
        assert text == second
        text = await told(await app.alice.slash(app.art, "words waiting"))
        assert text.startswith("You need the Timeout Members")
        await app.settled(bot)


async def test_who_asked_can_withdraw_even_after_a_restart(
    app: App, manager: Member, mods: tuple[Member, Member]
) -> None:
    async with app.open():
        await manager.slash(app.art, "words review", word="blood")
        waits = await (await app.alice.slash(app.art, "imagine", prompt="a blood moon")).message()
        assert waits.labels == ["Withdraw"]
        card = await shown(app, app.art)
    async with app.open() as bot:
        path = f"/channels/{app.art.id}/messages/{card.id}"
        app.discord.fail_next(path=path, status=403, code=50001)
        uses = await asyncio.gather(*(app.alice.click(waits, label="Withdraw") for _ in range(2)))
        await app.discord.until(lambda: shows(waits, "You withdrew this request"))
        assert not waits.labels
        late = uses[0] if uses[0].response == 4 else uses[1]
        assert await told(late) == "This request has already been decided."
        use = await mods[0].click(card, label="Approve")
        assert await told_after(use) == "The member has withdrawn this request."
        assert shows(card, "withdrew their request.")
        assert not card.labels
        assert not await bot.studio.moderation.reviews.waiting()
        assert not await bot.studio.undelivered()


async def test_no_prompt_gets_out_of_its_spoiler(
    app: App, manager: Member, mods: tuple[Member, Member]
) -> None:
    async with app.open():
        await manager.slash(app.art, "words review", word="blood")
        await app.alice.slash(app.art, "imagine", prompt="blood https://x.io/|| NASTY")
        inside = "||blood https\\://x.io/\\|\\| NASTY||"
        card = await shown(app, app.art)
        assert f"> {inside}" in card.text()
        await mods[0].click(card, label="Decline")
        await shown(app, app.alice.dm, f"declined your request: {inside}")
        assert inside in await told(await manager.slash(app.art, "audit"))
        await manager.slash(app.art, "words block", word="https://y.io/||x")
        assert "||https\\://y.io/\\|\\|x||" in await told(await manager.slash(app.art, "audit"))


async def test_what_is_allowed_where_the_bot_cannot_write_any_more_links_to_nothing(
    app: App, manager: Member, mods: tuple[Member, Member], submission: Channel
) -> None:
    async with app.open():
        await ask_there(manager, app, submission)
        await manager.slash(app.art, "words review", word="blood")
        await app.alice.slash(app.art, "imagine", prompt="a blood moon")
        card = await shown(app, submission)
        app.guild.remove_channel(app.art)
        await mods[0].click(card, label="Approve")
        news = await shown(app, app.alice.dm, "approved your request")
        assert "you'll find it in `/history`" in news.text()
        assert "None" not in news.text()


@pytest.mark.parametrize(
    "text",
    [
        "*" * 2000,
        "blood " * 333,
        "||" * 1000,
        "https://x.io/" + "|" * 1900,
        "<@1> _" * 300,
        "血" * 2000,
    ],
)
def test_the_longest_prompts_fit(text: str) -> None:
    message_ref = MessageRef(
        guild_id=1,
        channel_id=2**62,
        message_id=None,
        application_id=3,
        token="",
        expires_at=0.0,
        upload_limit=0,
    )
    for count in (1, 2, 30):
        review = Review(
            id=1,
            scope="guild:1",
            owner=str(2**62),
            message_ref=message_ref.to_json(),
            requests=tuple(ImageRequest(prompt=text, negative_prompt=text) for _ in range(count)),
            words=tuple(f"{text[:50]}{number}" for number in range(20)),
            parent=None,
            asked_at=1e9,
        )
        for view in (review_view(review), approved_view(review, 2**62), declined_view(review, 1)):
            assert view.content_length() < 3900
        assert len(prompt_excerpt(review)) <= 150
