"""Sheets that one member sees."""

from __future__ import annotations

import pytest

from tests.cogs.app import App, told, told_after, until
from tests.cogs.grids.sheets import SEEDS, hidden

pytestmark = pytest.mark.slow


async def test_a_private_sheet_that_is_late_says_so_and_a_click_gives_it_more_time(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.alice.user.refuses_dms = True
    async with app.open() as bot:
        blocker = await app.occupy()
        with monkeypatch.context() as patch:
            patch.setattr("cogs.message_ref.TOKEN_LIFETIME", 41.5)
            message = await hidden(app)
            await app.discord.until(lambda: "Show here" in message.labels, 5)
        assert "I'll send the grid to your DMs" in message.text()
        app.discord.expire_tokens()
        with app.discord.expecting(50007):
            await app.free(blocker)
            await until(bot.studio.grids.undelivered, lambda grids: not grids)
        assert message.attachments == []
        await app.alice.click(message, label="Show here")
        await app.done(message)
        assert len(message.attachments) == 1
    assert app.alice.dm.messages == []


async def test_a_private_sheet_that_is_called_off_late_is_only_said_to_be(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.open() as bot:
        await app.occupy()
        monkeypatch.setattr("cogs.message_ref.TOKEN_LIFETIME", 5.0)
        use = await app.alice.click(await hidden(app), label="Cancel")
        assert await told_after(use) == "Grid 1 was cancelled."
        await until(bot.studio.grids.undelivered, lambda grids: not grids)
        assert app.alice.dm.messages == []


async def test_a_private_sheet_is_seen_by_nobody_else(app: App) -> None:
    async with app.open() as bot:
        use = await app.alice.slash(app.art, "grid", prompt="a fish", private=True, **SEEDS)
        use = await app.alice.click(await use.message(), label="Paint 3 pictures")
        message = await app.done(await use.followup())
        assert message.ephemeral
        one = await (await app.alice.select(message, "seed 2")).message()
        assert one.attachments
        await until(bot.studio.grids.undelivered, lambda grids: not grids)
        assert app.art.messages == []
        said = await told(await app.bob.slash(app.art, "show", id=1))
        assert said.startswith("Job 1 doesn't exist or isn't visible here")
