"""The owner's page with the real bot: what of the servers is shown there, and what is counted."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from discord import Permissions

from cli.page import View
from cli.web.app import WebApp
from cli.web.recent_problems import RecentProblems
from cli.web.sources import Sources
from cogs import Atelier
from cogs.policy.public import public_pictures
from engine import SafetySettings
from tests.cogs.app import App, number, until
from tests.discord_server import Message
from tests.tiny.classifier import classifier


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> SafetySettings:
    """Everything is unsafe."""
    folder: Path = tmp_path_factory.mktemp("classifier")
    return SafetySettings(classifier=str(classifier(folder, "all")))


def page_of(bot: Atelier, folder: Path) -> httpx2.AsyncClient:
    """A browser on the page of this bot."""
    sources = Sources(
        studio=bot.studio,
        bot=View(bot),
        problems=RecentProblems(str),
        folder=folder,
        version="1",
    )
    transport = httpx2.ASGITransport(app=WebApp(sources))
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost")


async def listed(bot: Atelier) -> list[int]:
    """The numbers of the jobs with public pictures, newest first."""
    return [job.id for job, _ in await public_pictures(bot, 100)]


async def test_only_what_everyone_may_see_is_shown(app: App) -> None:
    secret, red = app.guild.add_channel("secret"), app.guild.add_channel("red", nsfw=True)
    mute = app.guild.add_channel("mute")
    late = app.guild.add_channel("late", kind="thread", parent=app.art)
    scarlet = app.guild.add_channel("scarlet", kind="thread", parent=red)
    secret.overwrite(app.guild.everyone, deny=Permissions(view_channel=True))
    mute.overwrite(app.guild.everyone, deny=Permissions(read_message_history=True))
    for who in (app.alice, app.guild.bot):
        secret.overwrite(who, allow=Permissions(view_channel=True))
    async with app.open() as bot, page_of(bot, app.folder) as browser:
        public = [await app.painted(app.alice, "a fox", where=where) for where in (app.art, late)]
        hidden: list[Message] = []
        for where in (secret, red, mute, scarlet):
            hidden.append(await app.painted(app.alice, "a diary", where=where))
        hidden.append(await app.done(await app.ask(app.alice, "a diary", private=True)))
        hidden.append(await app.painted(app.alice, "a diary", where=app.alice.dm))
        await app.settled(bot)
        numbers = [number(message) for message in public]
        assert await listed(bot) == sorted(numbers, reverse=True)
        html = (await browser.get("/")).text
        assert "a diary" not in html
        for job in numbers:
            assert (await browser.get(f"/pictures/{job}/0")).status_code == 200
        for message in hidden:
            assert (await browser.get(f"/pictures/{number(message)}/0")).status_code == 404
        app.art.overwrite(app.guild.everyone, deny=Permissions(view_channel=True))
        app.art.overwrite(app.guild.bot, allow=Permissions(view_channel=True))
        await app.discord.until(lambda: bot.guilds)
        await until(lambda: listed(bot), lambda jobs: jobs == [])


async def test_what_the_classifier_objects_to_is_not_shown_until_it_is_released(
    app: App, strict: SafetySettings
) -> None:
    app.safety = strict
    mod = app.guild.add_member("mod", permissions=Permissions(moderate_members=True))
    async with app.open() as bot:
        await app.painted(app.alice, count=2)
        job = await bot.studio.job(1)
        assert View(bot).is_public(job.message_ref)
        assert await listed(bot) == []
        await (await mod.slash(app.art, "release", job=1)).message()
        assert await listed(bot) == [1]


async def test_what_passes_between_the_bot_and_discord_is_counted(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cogs.messages.updater.RETRY_DELAYS", (0.01,))
    async with app.open() as bot, page_of(bot, app.folder) as browser:
        traffic = bot.traffic
        await bot.wait_until_ready()
        assert (await browser.get("/healthz")).status_code == 200
        await app.painted(app.alice)
        await app.settled(bot)
        assert traffic.deliveries == 1
        assert traffic.responses["2xx"] > 5
        before = traffic.responses["5xx"]
        app.discord.fail_next(method="PATCH", status=429)
        app.discord.fail_next(method="PATCH", status=503)
        await app.painted(app.alice)
        await app.settled(bot)
        assert traffic.deliveries == 2
        assert traffic.responses["5xx"] == before + 1
        assert traffic.rate_limited == 1
        text = (await browser.get("/metrics")).text
        assert "atelier_discord_rate_limited_total 1.0" in text
        assert "atelier_deliveries_total 2.0" in text
    assert not bot.connected
