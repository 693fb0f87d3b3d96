"""/block, /unblock, /audit: who may not use the bot here, and what moderators did."""

from __future__ import annotations

import re

import pytest

from cogs.messages.replies import MAX_MESSAGE_LENGTH
from cogs.moderation.blocks import split_into_messages
from tests.cogs.app import App, number, told, told_after, until
from tests.discord_server import Member, Permissions

KIND = "Sorry, the moderators of this server have blocked you from using me"


@pytest.fixture
def mod(app: App) -> Member:
    """Somebody with Timeout Members and Manage Messages."""
    permissions = Permissions(moderate_members=True, manage_messages=True)
    return app.guild.add_member("mod", permissions=permissions)


async def audit(app: App, who: Member) -> list[str]:
    """What `/audit` shows, without when and by whom it was done."""
    lines = (await told(await who.slash(app.art, "audit"))).splitlines()
    found = [re.fullmatch(rf"<t:\d+:R> {who.mention} (.*)", line) for line in lines]
    assert all(found), lines
    return [each[1] for each in found if each]


async def test_who_is_blocked_is_told_so_kindly_on_every_way_in(app: App, mod: Member) -> None:
    poets = app.discord.add_guild("Poets")
    den = poets.add_channel("den")
    elsewhere = poets.add_member("alice")
    async with app.open() as bot:
        message = await app.painted(app.alice)
        use = await mod.slash(app.art, "block", user=app.alice, reason="spam", days=3)
        block = await bot.studio.moderation.blocked(f"guild:{app.guild.id}", str(app.alice.user.id))
        assert block is not None
        assert block.until is not None
        assert block.until == pytest.approx(block.at + 3 * 86400)
        assert await told(use) == (
            f"{app.alice.mention} is blocked until <t:{int(block.until)}:f>. Their queued jobs "
            "will still be painted; cancel them with `/cancel`."
        )
        refusal = (
            f"{KIND} until <t:{int(block.until) + 1}:f>. If you think it's a mistake, contact "
            "one of them."
        )
        assert await told(await app.alice.slash(app.art, "imagine", prompt="x")) == refusal
        assert await told(await app.alice.slash(app.art, "queue")) == refusal
        assert await told_after(await app.alice.click(message, label="Again")) == refusal
        assert not await app.alice.autocomplete(app.art, "imagine", "model", "", prompt="x")
        await app.painted(app.bob)
        await app.painted(elsewhere, where=den)
        use = await mod.slash(app.art, "unblock", user=app.alice)
        assert await told(use) == f"{app.alice.mention} can use me again."
        await app.painted(app.alice)


async def test_a_block_without_days_holds_until_it_is_lifted(app: App, mod: Member) -> None:
    async with app.open():
        use = await mod.slash(app.art, "block", user=app.alice, reason="spam")
        assert (await told(use)).startswith(f"{app.alice.mention} is blocked until /unblock.")
    async with app.open():
        text = await told(await app.alice.slash(app.art, "imagine", prompt="x"))
        assert text.startswith(f"{KIND}. The block lasts until a moderator lifts it")
        use = await mod.slash(app.art, "unblock", user=app.bob)
        assert await told(use) == f"{app.bob.mention} isn't blocked."


async def test_some_cannot_be_blocked(app: App, mod: Member) -> None:
    boss = app.guild.add_member("boss", permissions=Permissions(manage_guild=True))
    async with app.open():
        for somebody, sentence in (
            (mod, "You can't block yourself. Choose someone else."),
            (app.guild.bot, "You can't block a bot. Choose a member."),
            (boss, f"{boss.mention} manages this server and can't be blocked."),
        ):
            use = await mod.slash(app.art, "block", user=somebody, reason="spam")
            assert await told(use) == sentence
        await app.painted(boss)


async def test_the_commands_are_for_moderators(app: App) -> None:
    reader = app.guild.add_member("reader", permissions=Permissions(manage_messages=True))
    async with app.open() as bot:
        for who in (app.alice, reader):
            for command, options in (
                ("block", {"user": app.bob, "reason": "spam"}),
                ("unblock", {"user": app.bob}),
                ("audit", {}),
            ):
                text = await told(await who.slash(app.art, command, **options))
                assert text.startswith("You need the Timeout Members or Manage Server permission")
        assert not await bot.studio.moderation.audit_entries(f"guild:{app.guild.id}", 50)


async def test_the_log_tells_what_moderators_did_the_newest_first(app: App, mod: Member) -> None:
    async with app.open() as bot:
        assert await told(await mod.slash(app.art, "audit")) == ("No moderator actions here yet.")
        own = await app.painted(mod)
        await mod.click(own, label="Delete")
        message = await app.painted(app.alice)
        blocker = await app.occupy()
        waiting = await app.ask(app.alice)
        await mod.click(waiting, label="Cancel")
        await app.done(waiting)
        await (await mod.slash(app.art, "cancel", job=number(blocker))).message()
        await app.done(blocker)
        await mod.click(message, label="Delete")
        scope = f"guild:{app.guild.id}"
        # Clicks are acknowledged before what they do is done.
        await until(
            lambda: bot.studio.moderation.audit_entries(scope, 50),
            lambda audit_entries: len(audit_entries) == 3,
        )
        await mod.slash(app.art, "block", user=app.alice, reason="a *lot*\nof spam")
        await mod.slash(app.art, "unblock", user=app.alice)
        alice = app.alice.mention
        lines = await audit(app, mod)
        carol = app.guild.add_member("carol").mention
        assert lines[:2] == [
            f"unblocked {alice}",
            f"blocked {alice} until /unblock: a \\*lot\\* of spam",
        ]
        assert set(lines[2:]) == {
            f"deleted {alice}'s job {number(message)}",
            f"cancelled {alice}'s job {number(waiting)}",
            f"cancelled {carol}'s job {number(blocker)}",
        }


async def test_what_managers_change_is_in_the_log(app: App) -> None:
    boss = app.guild.add_member("boss", permissions=Permissions(manage_guild=True))
    async with app.open():
        await (await boss.slash(app.art, "model use", name="other")).message()
        await boss.slash(app.art, "model default", name="tiny", steps=3)
        await boss.slash(app.art, "model allow", names="tiny, other")
        await boss.slash(app.art, "words block", word="Blood")
        settings_panel = await (await boss.slash(app.art, "settings")).message()
        await boss.select(settings_panel, "2", custom_id="atelier-setting:pace")
        await boss.select(settings_panel, app.art, custom_id="atelier-setting:channels")
        assert await audit(app, boss) == [
            f"allowed painting only in <#{app.art.id}>",
            "limited members to 2 pictures an hour",
            "blocked the word ||blood||",
            "limited the models to tiny, other",
            "set the defaults of tiny to 3 steps",
            "set the model to other",
        ]


async def test_a_long_log_comes_in_several_messages(app: App, mod: Member) -> None:
    async with app.open() as bot:
        for line in range(60):
            scope = f"guild:{app.guild.id}"
            await bot.studio.moderation.add_audit_entry(
                scope, str(mod.user.id), f"deed {line} " + "x" * 80
            )
        use = await mod.slash(app.art, "audit")
        await use.followup(2)
        messages = [await use.message(), *use.followups]
        text = "\n".join(message.text() for message in messages)
        assert re.findall(r"deed (\d+)", text) == [str(line) for line in range(59, 9, -1)]
        assert all(message.ephemeral for message in messages)


def test_lines_are_never_cut() -> None:
    lines = [str(n) * 700 for n in range(5)]
    texts = list(split_into_messages(lines))
    assert "\n".join(texts).split("\n") == lines
    assert all(len(text) <= MAX_MESSAGE_LENGTH for text in texts)
    assert len(texts) == 3
