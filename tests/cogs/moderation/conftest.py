"""A server whose moderators look at prompts."""

from __future__ import annotations

import pytest
from discord import Permissions

from tests.cogs.app import App
from tests.discord_server import Channel, Member


@pytest.fixture
def manager(app: App) -> Member:
    """Somebody with Manage Server."""
    return app.guild.add_member("manager", permissions=Permissions(manage_guild=True))


@pytest.fixture
def mods(app: App) -> tuple[Member, Member]:
    """Two with Timeout Members."""
    permissions = Permissions(moderate_members=True)
    first, second = (app.guild.add_member(name, permissions=permissions) for name in ("m1", "m2"))
    return first, second


@pytest.fixture
def submission(app: App) -> Channel:
    """Where moderators are asked."""
    return app.guild.add_channel("desk")
