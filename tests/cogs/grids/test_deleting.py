"""Pictures of a sheet that are deleted, and sheets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cogs.app import PATIENCE, App, image, told_after, until
from tests.cogs.grids.sheets import SlowDrawing, cell, cells_in_history, grid, hidden, options_of

pytestmark = pytest.mark.slow


async def test_a_cell_that_is_deleted_is_gone_from_the_sheet_and_the_sheet_with_the_last(
    app: App,
) -> None:
    async with app.open() as bot:
        message = await grid(app)
        [before] = message.attachments
        one = await (await app.alice.select(message, "seed 2")).message()
        await app.alice.click(one, label="Delete")
        await app.discord.until(lambda: options_of(message) == ["seed 1", "seed 3"], PATIENCE)
        assert image(message.attachments[0]).tobytes() != image(before).tobytes()
        use = await app.bob.click(message, label="Delete")
        assert await told_after(use) == "Only the person who requested grid 1 can do that."
        files = [(await bot.studio.job(number)).pictures[0] for number in (1, 3)]
        await app.alice.click(message, label="Delete")
        await app.discord.until(lambda: message.deleted)
        assert not any(file.exists() for file in files)


async def test_a_sheet_that_is_deleted_while_it_is_drawn_anew_does_not_come_back(
    app: App, held: Callable[[], SlowDrawing]
) -> None:
    async with app.open():
        message = await grid(app)
        one = await cell(app, message, "seed 2")
        drawing = held()
        await app.alice.click(one, label="Delete")
        await until(drawing.started, bool)
        await app.alice.click(message, label="Delete")
        await app.discord.until(lambda: message.deleted)
        drawing.let_go.set()
    assert app.art.messages == []


async def test_a_sheet_whose_message_was_deleted_does_not_come_back_with_fewer_pictures(
    app: App,
) -> None:
    async with app.open() as bot:
        message = await grid(app)
        await until(bot.studio.grids.undelivered, lambda grids: not grids)
        one = await cell(app, message, "seed 2")
        await app.art.delete(message)
        await app.alice.click(one, label="Delete")
        await app.discord.until(lambda: one.deleted)
    assert app.art.messages == []


async def test_nobody_is_written_to_because_a_picture_of_a_private_sheet_is_deleted(
    app: App,
) -> None:
    async with app.open() as bot:
        message = await app.done(await hidden(app))
        await until(bot.studio.grids.undelivered, lambda grids: not grids)
        app.discord.expire_tokens()
        message_ref = (await bot.studio.grids.get(1)).message_ref
        await bot.studio.grids.set_message_ref(1, message_ref | {"expires_at": 0.0})
        listed = await cells_in_history(app)
        use = await app.alice.select(listed, "delete:2")
        assert (await told_after(use)).startswith("Job 2 was deleted, but I can't reach")
    assert app.alice.dm.messages == []
    assert len(options_of(message)) == 3


async def test_of_two_pictures_that_are_deleted_at_once_neither_stays_on_the_sheet(
    app: App, held: Callable[[], SlowDrawing]
) -> None:
    async with app.open():
        message = await grid(app)
        first, second = [await cell(app, message, label) for label in ("seed 1", "seed 2")]
        drawing = held()
        await app.alice.click(first, label="Delete")
        await until(drawing.started, bool)
        await app.alice.click(second, label="Delete")
        await app.discord.until(lambda: options_of(message) == ["seed 3"], PATIENCE)
        drawing.let_go.set()
    assert options_of(message) == ["seed 3"]


async def test_a_picture_deleted_by_a_list_leaves_the_sheet_and_the_last_one_takes_it_along(
    app: App,
) -> None:
    async with app.open():
        message = await grid(app, x="seed", x_values="1, 2")
        listed = await cells_in_history(app)
        await app.alice.select(listed, "delete:1")
        await app.discord.until(lambda: options_of(message) == ["seed 2"], PATIENCE)
        assert not message.deleted
        await app.alice.select(listed, "delete:2")
        await app.discord.until(lambda: message.deleted, PATIENCE)
    assert app.art.messages == []


async def test_the_message_of_a_sheet_that_is_gone_can_be_cleared_away(app: App) -> None:
    async with app.open() as bot:
        message = await grid(app)
        for number in (1, 2, 3):
            await bot.studio.delete(number)
        use = await app.bob.click(message, label="Delete")
        assert await told_after(use) == "Grid 1 doesn't exist."
        await app.alice.click(message, label="Delete")
        await app.discord.until(lambda: message.deleted)
