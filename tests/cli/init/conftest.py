"""What the tests of `init` share: a Discord to try tokens at."""

from collections.abc import AsyncIterator

import pytest
from discord.http import Route

from tests.discord_server import DiscordServer


@pytest.fixture
async def discord(
    workplace: object, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DiscordServer]:
    """A loopback Discord, which the environment names."""
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    async with DiscordServer() as server:
        monkeypatch.setenv("ATELIER_DISCORD__API_URL", server.api_url)
        yield server
