"""Everything is registered that has to be; `python -m tests.guards` lists what isn't."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cogs import Atelier
from tests.guards.table import GUARDS, Guard
from tests.offline_bot import offline_bot


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot() -> AsyncIterator[Atelier]:
    async with offline_bot() as bot:
        yield bot


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.title)
async def test_nothing_is_missing(guard: Guard, bot: Atelier) -> None:
    missing = await guard.missing(bot)
    assert not missing, guard.report(missing)
