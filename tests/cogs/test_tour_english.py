"""The tour, of people whose Discord is English."""

from __future__ import annotations

import pytest

from tests.cogs.app import App
from tests.hub_server import HubServer, Repository

from .tour.stops import Role
from .tour.walks import through_direct_messages, through_everything

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
"""huggingface_hub 2.4 sends large files as `data`."""


@pytest.mark.slow
@pytest.mark.parametrize("role", Role, ids=lambda role: role.name.lower())
async def test_everything_answers_in_english(
    klein: App, hub: HubServer, fox: Repository, role: Role
) -> None:
    await through_everything(klein, hub, fox, role, "en")


@pytest.mark.slow
async def test_direct_messages_are_answered_in_english(klein: App, fox: Repository) -> None:
    await through_direct_messages(klein, fox, "en")
