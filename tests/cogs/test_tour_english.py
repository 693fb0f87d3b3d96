"""The tour, of people whose Discord is English."""

from __future__ import annotations

import pytest

from tests.cogs.app import App
from tests.hub_server import HubServer, Repository

from .tour.stops import Role
from .tour.walks import through_direct_messages, through_everything


@pytest.mark.slow
@pytest.mark.parametrize("role", Role, ids=lambda role: role.name.lower())
async def test_everything_answers_in_english(
    app: App, hub: HubServer, fox: Repository, role: Role
) -> None:
    await through_everything(app, hub, fox, role, "en")


async def test_direct_messages_are_answered_in_english(app: App, fox: Repository) -> None:
    await through_direct_messages(app, fox, "en")
