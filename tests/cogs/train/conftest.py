"""An app whose trainings go on when the test says so, and people who may train."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cogs.app import App
from tests.discord_server import Member, Permissions

from .scripted import scripted_trainings


@pytest.fixture
def frequent_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages of trainings follow at once."""
    monkeypatch.setattr("cogs.train.tracked_training.INTERVAL", 0.05)
    monkeypatch.setattr("cogs.messages.throttle.CHANNEL_INTERVAL", 0.05)


@pytest.fixture
def scripted(app: App, frequent_edits: None) -> Iterator[App]:
    """The app, with trainings that wait for the test."""
    with scripted_trainings():
        yield app


@pytest.fixture
def mod(app: App) -> Member:
    """A moderator."""
    return app.guild.add_member("mod", permissions=Permissions(moderate_members=True))
