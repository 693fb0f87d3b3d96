"""The tour leaves nothing out: what the bot has, and what the table has, are the same."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from cogs import Atelier
from tests.offline_bot import offline_bot

from .tour.keys import keys
from .tour.reading import english, says
from .tour.stops import Role
from .tour.table import STOPS


@pytest_asyncio.fixture
async def bot() -> AsyncIterator[Atelier]:
    async with offline_bot() as bot:
        yield bot


async def test_everything_that_there_is_has_a_stop(bot: Atelier) -> None:
    """Whoever adds something gives it a line in `tests/cogs/tour`."""
    there = await keys(bot)
    assert there - {stop.key for stop in STOPS} == set(), "without a stop on the tour"
    assert {stop.key for stop in STOPS} - there == set(), "not there any more"


def test_each_is_done_for_somebody_and_everybody_goes_somewhere() -> None:
    assert [stop.key for stop in STOPS if not any(map(stop.allows, Role))] == []
    for role in Role:
        assert [stop for stop in STOPS if stop.matters(role)], role


def test_english_is_seen() -> None:
    assert english("已取消。 tiny · DPM++ 2M · `/model use tiny`") == []
    assert english("已 cancelled。\n**the** end") == ["cancelled", "the", "end"]


def test_what_is_said_is_known_by_its_beginning() -> None:
    assert says("任务 7 已经完成了吗？不，已取消。", "Cancelled.", "zh_CN")
    assert not says("Cancelled.", "Cancelled.", "zh_CN")
    assert says("Job 7 is already done.", "Job {number} is", "en")
