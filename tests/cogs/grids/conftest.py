"""Sheets that are being drawn."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cogs.grids import tracked_grid as subject
from tests.cogs.grids.sheets import SlowDrawing


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Callable[[], SlowDrawing]:
    """Has all sheets drawn by one slow drawing from now on."""

    def hold() -> SlowDrawing:
        drawing = SlowDrawing()
        monkeypatch.setattr(subject, "draw_grid", drawing)
        return drawing

    return hold
