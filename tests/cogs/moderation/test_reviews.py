"""/words review: a prompt waits until a moderator has looked at it, on every way in."""

from __future__ import annotations

import asyncio

import pytest

from engine import REVIEW_LIFETIME
from tests.cogs.app import App, number, refused, told, told_after, until
from tests.cogs.moderation.reviewing import WAITS, ask_there, public, shown, shows
from tests.discord_server import Channel, Member


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
