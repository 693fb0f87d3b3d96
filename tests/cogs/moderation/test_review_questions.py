"""What the question to moderators says, and how it is found again."""

from __future__ import annotations

import asyncio

import pytest

from cogs.message_ref import MessageRef
from cogs.moderation.review_cards import approved_view, declined_view, prompt_excerpt, review_view
from engine import Control, ControlKind, ImageRequest, Review
from tests.cogs.app import App, told, told_after, until
from tests.cogs.moderation.reviewing import WAITS, ask_there, message_ref_in, public, shown, shows
from tests.discord_server import Channel, Member
from tests.speech.chinese import say_in_chinese


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
        settings_panel = await (await manager.slash(app.art, "settings")).message()
        await manager.click(settings_panel, custom_id="atelier-settings-page:order")
        await manager.select(settings_panel, "zh_CN", custom_id="atelier-setting:language")
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
    along = Control(image="b.png", kind=ControlKind.DEPTH)
    for count in (1, 2, 30):
        review = Review(
            id=1,
            scope="guild:1",
            owner=str(2**62),
            message_ref=message_ref.to_json(),
            requests=(
                ImageRequest(prompt=text, negative_prompt=text, image="a.png", control=along),
            )
            * count,
            words=tuple(f"{text[:50]}{number}" for number in range(20)),
            parent=None,
            asked_at=1e9,
        )
        for view in (review_view(review), approved_view(review, 2**62), declined_view(review, 1)):
            assert view.content_length() < 3900
        assert len(prompt_excerpt(review)) <= 150
