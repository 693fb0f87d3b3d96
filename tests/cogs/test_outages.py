"""An outage of Discord writes a line a minute at most."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import aiohttp
import pytest

from cogs.outages import INTERVAL, OutageFilter
from tests.clock import Clock
from tests.cogs.app import App


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def output(clock: Clock) -> Iterator[io.StringIO]:
    """What a log with the filter shows."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(OutageFilter(clock))
    root = logging.getLogger()
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


def test_a_line_a_minute_counts_the_others(output: io.StringIO, clock: Clock) -> None:
    log, error = logging.getLogger("discord.shard"), aiohttp.ClientConnectionError("100% gone")
    for second in range(150):
        clock.now = 100.0 + second
        log.error("Attempting a reconnect in %.2fs", 1.5, exc_info=error)
        logging.getLogger("cogs.messages.updater").warning("job-5: retrying: %s", error)
    logging.getLogger("cogs.tree").error("Incident ab12", exc_info=ValueError("a bug"))
    lines = output.getvalue().splitlines()
    first = "Discord doesn't answer: Attempting a reconnect in 1.50s: 100% gone"
    after = int(2 * INTERVAL - 1)
    assert lines[:3] == [first, f"{first} ({after} more before)", f"{first} ({after} more before)"]
    assert lines[3] == "Incident ab12"
    assert lines[-1] == "ValueError: a bug"


def test_a_second_handler_shows_the_same_lines(output: io.StringIO, clock: Clock) -> None:
    root, stream = logging.getLogger(), io.StringIO()
    first = next(each for each in root.handlers if getattr(each, "stream", None) is output)
    second = logging.StreamHandler(stream)
    second.addFilter(first.filters[0])
    root.addHandler(second)
    for number in range(3):
        clock.now += number * INTERVAL / 2
        logging.getLogger("discord.shard").error("No", exc_info=aiohttp.ClientConnectionError())
    root.removeHandler(second)
    assert output.getvalue() == stream.getvalue()
    assert "(1 more before)" in stream.getvalue()


async def test_a_discord_that_answers_nothing_fills_no_log(
    app: App, output: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cogs.messages.updater.RETRY_DELAYS", (0.05,))
    async with app.open() as bot:
        blocker = await app.occupy()
        message = await app.ask(app.bob)
        fault = app.discord.fail_next(path=r"/channels/.*", status=503, times=99)
        app.discord.expire_tokens()
        await bot.studio.cancel(1)
        await app.discord.until(lambda: fault.hits > 4, 20)
        app.discord.call_off_faults()
        await app.done(message)
        await app.done(blocker)
    assert output.getvalue().count("Discord doesn't answer") == 1
    assert "Traceback" not in output.getvalue()
