"""Every family on every rung, for `python -m pytest tests/test_card/every_rung.py`."""

from collections.abc import Callable

import pytest

from engine.models.families import FAMILIES as KNOWN
from engine.models.model import Model
from tests.card import Card
from tests.card.painting import Painting
from tests.test_card.conftest import FAMILIES
from tests.test_card.rungs import RUNGS, check_rung


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_picture_is_the_cpus_and_nothing_races(
    card: Card,
    models: Callable[[str], Model],
    plain: Callable[[str], Painting],
    family: str,
    rung: str,
) -> None:
    check_rung(card, family, rung, models, plain)


def test_no_family_is_left_out() -> None:
    assert set(FAMILIES) == set(KNOWN)
