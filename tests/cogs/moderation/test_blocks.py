"""/block, /unblock, /audit: who may not use the bot here, and what moderators did."""

from __future__ import annotations

import re

import pytest

from cogs.moderation.blocks import in_messages
from cogs.messages.replies import MOST
from tests.discord_server import Member, Permissions

from tests.cogs.app import House, number, told, told_after, until

KIND = "Sorry, the moderators of this server have asked me not to work for you at the moment."


@pytest.fixture
def mod(house: House) -> Member:
    """Somebody with Timeout Members and Manage Messages."""
    permissions = Permissions(moderate_members=True, manage_messages=True)
    return house.guild.add_member("mod", permissions=permissions)


async def audit(house: House, who: Member) -> list[str]:
    """What `/audit` shows, without when and by whom it was done."""
    lines = (await told(await who.slash(house.art, "audit"))).splitlines()
    found = [re.fullmatch(rf"<t:\d+:R> {who.mention} (.*)", line) for line in lines]
    assert all(found), lines
    return [each[1] for each in found if each]


async def test_who_is_blocked_is_told_so_kindly_on_every_way_in(house: House, mod: Member) -> None:
    poets = house.discord.add_guild("Poets")
    den = poets.add_channel("den")
    elsewhere = poets.add_member("alice")
    async with house.open() as bot:
        message = await house.painted(house.alice)
        use = await mod.slash(house.art, "block", user=house.alice, reason="spam", days=3)
        block = await bot.studio.keeper.blocked(f"guild:{house.guild.id}", str(house.alice.user.id))
        assert block is not None
        assert block.until is not None
        assert block.until == pytest.approx(block.at + 3 * 86400)
        assert await told(use) == (
            f"{house.alice.mention} is blocked until <t:{int(block.until)}:f>. What they have "
            "waiting is still painted: `/cancel` calls it off."
        )
        refusal = (
            f"{KIND} You are welcome again <t:{int(block.until) + 1}:f>; if you think that it is "
            "a mistake, write to one of them."
        )
        assert await told(await house.alice.slash(house.art, "imagine", prompt="x")) == refusal
        assert await told(await house.alice.slash(house.art, "queue")) == refusal
        assert await told_after(await house.alice.click(message, label="Again")) == refusal
        assert not await house.alice.autocomplete(house.art, "imagine", "model", "", prompt="x")
        await house.painted(house.bob)
        await house.painted(elsewhere, where=den)
        use = await mod.slash(house.art, "unblock", user=house.alice)
        assert await told(use) == f"{house.alice.mention} may use me again."
        await house.painted(house.alice)


async def test_a_block_without_days_holds_until_it_is_lifted(house: House, mod: Member) -> None:
    async with house.open():
        use = await mod.slash(house.art, "block", user=house.alice, reason="spam")
        assert (await told(use)).startswith(f"{house.alice.mention} is blocked until /unblock.")
    async with house.open():
        text = await told(await house.alice.slash(house.art, "imagine", prompt="x"))
        assert text.startswith(f"{KIND} That holds until a moderator lifts it")
        use = await mod.slash(house.art, "unblock", user=house.bob)
        assert await told(use) == f"{house.bob.mention} is not blocked."


async def test_some_cannot_be_blocked(house: House, mod: Member) -> None:
    boss = house.guild.add_member("boss", permissions=Permissions(manage_guild=True))
    async with house.open():
        for somebody, sentence in (
            (mod, "You cannot block yourself: choose somebody else."),
            (house.guild.bot, "Bots do not use me: choose a member."),
            (boss, f"{boss.mention} manages this server: who does cannot be blocked."),
        ):
            use = await mod.slash(house.art, "block", user=somebody, reason="spam")
            assert await told(use) == sentence
        await house.painted(boss)


async def test_the_commands_are_for_moderators(house: House) -> None:
    reader = house.guild.add_member("reader", permissions=Permissions(manage_messages=True))
    async with house.open() as bot:
        for who in (house.alice, reader):
            for command, options in (
                ("block", {"user": house.bob, "reason": "spam"}),
                ("unblock", {"user": house.bob}),
                ("audit", {}),
            ):
                text = await told(await who.slash(house.art, command, **options))
                assert text.startswith("That needs the permission Timeout Members or Manage Server")
        assert not await bot.studio.keeper.deeds(f"guild:{house.guild.id}", 50)


async def test_the_log_tells_what_moderators_did_the_newest_first(
    house: House, mod: Member
) -> None:
    async with house.open() as bot:
        assert await told(await mod.slash(house.art, "audit")) == (
            "No moderator has done anything here yet."
        )
        own = await house.painted(mod)
        await mod.click(own, label="Delete")
        message = await house.painted(house.alice)
        blocker = await house.occupy()
        waiting = await house.ask(house.alice)
        await (await mod.slash(house.art, "cancel", job=number(blocker))).message()
        await mod.click(waiting, label="Cancel")
        await house.done(blocker)
        await mod.click(message, label="Delete")
        scope = f"guild:{house.guild.id}"
        # Clicks are acknowledged before what they do is done.
        await until(lambda: bot.studio.keeper.deeds(scope, 50), lambda deeds: len(deeds) == 3)
        await mod.slash(house.art, "block", user=house.alice, reason="a *lot*\nof spam")
        await mod.slash(house.art, "unblock", user=house.alice)
        alice = house.alice.mention
        lines = await audit(house, mod)
        carol = house.guild.add_member("carol").mention
        assert lines[:2] == [
            f"unblocked {alice}",
            f"blocked {alice} until /unblock: a \\*lot\\* of spam",
        ]
        assert set(lines[2:]) == {
            f"deleted job {number(message)} of {alice}",
            f"cancelled job {number(waiting)} of {alice}",
            f"cancelled job {number(blocker)} of {carol}",
        }


async def test_what_managers_change_is_in_the_log(house: House) -> None:
    boss = house.guild.add_member("boss", permissions=Permissions(manage_guild=True))
    async with house.open():
        await (await boss.slash(house.art, "model use", name="other")).message()
        await boss.slash(house.art, "model default", name="tiny", steps=3)
        await boss.slash(house.art, "model allow", names="tiny, other")
        await boss.slash(house.art, "words block", word="Blood")
        board = await (await boss.slash(house.art, "settings")).message()
        await boss.select(board, "2", custom_id="atelier-setting:pace")
        await boss.select(board, house.art, custom_id="atelier-setting:channels")
        assert await audit(house, boss) == [
            f"let members paint in <#{house.art.id}>",
            "gave members 2 pictures an hour",
            "blocked the word ||blood||",
            "allowed tiny, other",
            "gave the model tiny 3 steps",
            "chose the model other",
        ]


async def test_a_long_log_comes_in_several_messages(house: House, mod: Member) -> None:
    async with house.open() as bot:
        for line in range(60):
            scope = f"guild:{house.guild.id}"
            await bot.studio.keeper.note(scope, str(mod.user.id), f"deed {line} " + "x" * 80)
        use = await mod.slash(house.art, "audit")
        await use.followup(2)
        messages = [await use.message(), *use.followups]
        text = "\n".join(message.text() for message in messages)
        assert re.findall(r"deed (\d+)", text) == [str(line) for line in range(59, 9, -1)]
        assert all(message.ephemeral for message in messages)


def test_lines_are_never_cut() -> None:
    lines = [str(n) * 700 for n in range(5)]
    texts = list(in_messages(lines))
    assert "\n".join(texts).split("\n") == lines
    assert all(len(text) <= MOST for text in texts)
    assert len(texts) == 3
