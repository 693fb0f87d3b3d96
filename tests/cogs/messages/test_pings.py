"""Pings: who waited long is mentioned once, where nobody else reads it who may not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cogs.messages import pings
from cogs.messages.removal import CellMessages
from tests.cogs.app import App
from tests.cogs.grids.sheets import grid
from tests.discord_server import Member, Message


@pytest.fixture(autouse=True)
def _waited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every wait is a long one."""
    monkeypatch.setattr(pings, "LONG_WAIT", 0.0)


def mentions(app: App, who: Member | None = None) -> list[Message]:
    """The messages in the channel that notify somebody."""
    return [each for each in app.art.history if each.pings and (who or app.alice).sees(each)]


async def test_who_waited_long_is_mentioned_in_a_reply_and_nobody_else_is(app: App) -> None:
    async with app.open() as bot:
        message = await app.painted(app.alice, f"a house for {app.bob.mention} and @everyone")
        await app.settled(bot)
        [ping] = mentions(app)
        assert ping.text() == f"{app.alice.mention}, your picture is ready."
        assert (ping.reference, ping.pings) == (message, [str(app.alice.user.id)])
        await app.alice.click(message, label="⭐")
        assert mentions(app) == [ping]


@pytest.mark.parametrize(
    ("chosen", "long_wait", "count"), [("always", 60, 1), ("never", 0, 0), ("minute", 60, 0)]
)
async def test_people_choose_when_they_are_mentioned(
    app: App, monkeypatch: pytest.MonkeyPatch, chosen: str, long_wait: float, count: int
) -> None:
    monkeypatch.setattr(pings, "LONG_WAIT", float(long_wait))
    async with app.open() as bot:
        await app.alice.slash(app.art, "me defaults", mention=chosen)
        await app.painted(app.alice)
        await app.settled(bot)
        assert len(mentions(app)) == count


async def test_what_is_private_is_told_only_to_its_owner(app: App) -> None:
    async with app.open() as bot:
        await app.painted(app.alice, private=True)
        await app.settled(bot)
        assert mentions(app, app.bob) == []
        assert [each.ephemeral for each in mentions(app)] == [True]


async def test_what_is_sent_by_dm_is_told_there(app: App) -> None:
    async with app.open() as bot:
        await app.alice.slash(app.art, "me defaults", privacy="dm")
        await app.alice.slash(app.art, "imagine", prompt="a fish")
        await app.discord.until(lambda: len(app.alice.dm.messages) == 2)
        await app.settled(bot)
        message, ping = app.alice.dm.messages
        assert (ping.reference, ping.pings) == (message, [str(app.alice.user.id)])
        assert mentions(app) == []


async def test_a_grid_is_told_once(app: App) -> None:
    async with app.open() as bot:
        message = await grid(app)
        await app.discord.until(lambda: mentions(app))
        await bot.studio.delete(2)
        await bot.services[CellMessages].redraw(await bot.studio.job(1))
        looks = len(message.looks)
        await app.discord.until(lambda: len(message.looks) > looks)
        await asyncio.sleep(0.2)
        [ping] = mentions(app)
        assert ping.text() == f"{app.alice.mention}, your grid is ready."


@pytest.mark.parametrize("sent", [True, False])
async def test_a_kill_while_it_is_sent_neither_loses_nor_repeats_it(
    app: App, monkeypatch: pytest.MonkeyPatch, sent: bool
) -> None:
    reached = asyncio.Event()
    reply = pings._reply

    async def killed(*arguments: Any) -> None:
        if sent:
            await reply(*arguments)
        reached.set()
        raise asyncio.CancelledError

    monkeypatch.setattr(pings, "_reply", killed)
    async with app.open():
        await app.painted(app.alice)
        await reached.wait()
    monkeypatch.setattr(pings, "_reply", reply)
    async with app.open() as bot:
        await app.settled(bot)
        assert len(mentions(app)) == 1


async def test_where_the_bot_cannot_reply_it_links(app: App) -> None:
    app.art.deny_bot("read_message_history")
    async with app.open() as bot:
        message = await app.painted(app.alice)
        await app.settled(bot)
        [ping] = mentions(app)
        assert ping.reference is None
        assert str(message.id) in ping.text()


async def test_a_user_install_is_told_with_its_token_or_not_at_all(app: App) -> None:
    abroad = app.discord.add_guild("Abroad", joined=False)
    den = abroad.add_channel("den")
    zoe = abroad.add_member("zoe")
    zoe.user.installed = True
    async with app.open() as bot:
        for _ in range(2):
            await app.painted(zoe, where=den)
            await app.settled(bot)
        assert [bool(each.pings) for each in den.messages] == [False, True] * 2
