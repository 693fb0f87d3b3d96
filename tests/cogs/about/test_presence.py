"""The presence says which model paints and how many wait."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest
from discord.gateway import GatewayRatelimiter

from cogs.about import presence
from tests.cogs.app import App


def shown(app: App) -> str | None:
    """What stands under the bot's name."""
    told = app.discord.gateway.presence
    return told["activities"][0]["state"] if told else None


async def until_shown(app: App, text: str) -> None:
    """Wait for it: presence is no event that the loopback rings for."""
    async with asyncio.timeout(10):
        while shown(app) != text:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "UPDATE_INTERVAL", 0.02)


@pytest.mark.usefixtures("_often")
async def test_it_follows_the_queue(app: App) -> None:
    async with app.open():
        await until_shown(app, "tiny · idle")
        blocker = await app.occupy()
        await until_shown(app, "slow · painting 1, 0 waiting")
        message = await app.ask(app.alice)
        await until_shown(app, "slow · painting 1, 1 waiting")
        await app.free(blocker)
        await app.done(message)
        await until_shown(app, "tiny · idle")


@pytest.mark.usefixtures("_often")
async def test_it_is_sent_only_when_it_says_something_else(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.open() as bot:
        await until_shown(app, "tiny · idle")
        sent: list[object] = []
        change = bot.change_presence

        async def counted(**what: object) -> None:
            sent.append(what)
            await change(**what)  # type: ignore[arg-type]

        monkeypatch.setattr(bot, "change_presence", counted)
        await asyncio.sleep(0.2)
        assert not sent


@pytest.mark.usefixtures("_often")
async def test_a_new_session_is_told_again(app: App) -> None:
    async with app.open():
        await until_shown(app, "tiny · idle")
        app.discord.gateway.presence = None
        await app.discord.drop_gateway(resumable=False)
        await app.discord.ready()
        await until_shown(app, "tiny · idle")


async def test_nothing_is_said_to_a_gateway_that_does_not_know_the_bot_yet(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discord closes the connection of who speaks before being identified; the loopback objects."""
    numbers = count()
    monkeypatch.setattr(presence, "UPDATE_INTERVAL", 0.001)
    monkeypatch.setattr(presence, "presence_text", lambda *_: f"look {next(numbers)}")
    monkeypatch.setattr(GatewayRatelimiter, "get_delay", lambda _: 0.0)
    async with app.open():
        for resumable in (False, True, False):
            await app.discord.drop_gateway(resumable=resumable)
            await app.discord.ready()
            app.discord.gateway.presence = None
            async with asyncio.timeout(10):
                while shown(app) is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
