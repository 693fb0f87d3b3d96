"""/workers: the owner sees what paints, and pauses it."""

from __future__ import annotations

import pytest

from cogs.workers import pages
from tests.cogs.app import PATIENCE, App, told


async def test_a_device_is_listed_and_paused_until_it_is_resumed_through_a_restart(
    app: App,
) -> None:
    owner = app.guild.add_member("developer")
    async with app.open():
        await app.painted(app.alice, count=2)
        page = await (await owner.slash(app.art, "workers")).message()
        assert page.ephemeral
        assert "Workers (1)" in page.text()
        assert "Taking jobs: 1" in page.text()
        assert "🟢 **cpu**" in page.text()
        assert "idle · tiny" in page.text()
        assert " s a step at 64 × 64 · 2 pictures in the last day" in page.text()
        await owner.click(page, label="Pause")
        await app.discord.until(lambda: "paused by you" in page.text(), PATIENCE)
        assert "Taking jobs: 0" in page.text()
    async with app.open() as bot:
        waiting = await app.ask(app.alice)
        assert "Cancel" in waiting.labels
        [worker] = await bot.studio.workers.all()
        assert worker.paused_here
        assert worker.pictures_last_day == 2
        await owner.click(page, label="Resume")  # an old message's button
        await app.done(waiting)
        assert "🟢 **cpu**" in page.text() or "🎨 **cpu**" in page.text()


async def test_the_page_follows_what_happens(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "INTERVAL", 0.05)
    owner = app.guild.add_member("developer")
    async with app.open():
        page = await (await owner.slash(app.art, "workers")).message()
        newer = await (await owner.slash(app.art, "workers")).message()
        blocker = await app.occupy()
        await app.discord.until(lambda: "painting · 1 job, 4 pictures of 1" in newer.text(), 30)
        assert "painting" not in page.text(), "only a person's newest page is kept up to date"
        await app.free(blocker)
        await app.discord.until(lambda: "🟢 **cpu**" in newer.text(), PATIENCE)


async def test_nobody_else_sees_anything(app: App) -> None:
    async with app.open():
        assert await told(await app.alice.slash(app.art, "workers")) == pages.OWNER_ONLY
