"""Streaming on the card; `every_rung.py` has all families on all rungs."""

from collections.abc import Callable

import pytest

from engine.memory.plan import Residence
from engine.models.catalogue import Model
from tests.card import Card
from tests.card.painting import Painting
from tests.card.streams import Stream
from tests.test_card.rungs import check_rung, paint_on


@pytest.mark.parametrize(
    ("family", "rung"), [("sd", "stream"), ("flux", "stream"), ("flux2-klein", "sequential")]
)
def test_a_streamed_model_paints_the_cpus_picture_without_a_race(
    card: Card,
    models: Callable[[str], Model],
    plain: Callable[[str], Painting],
    family: str,
    rung: str,
) -> None:
    check_rung(card, family, rung, models, plain)


@pytest.mark.parametrize("wait", ["wait_stream", "wait_event"])
def test_a_wait_that_is_left_out_is_found(
    card: Card, models: Callable[[str], Model], monkeypatch: pytest.MonkeyPatch, wait: str
) -> None:
    """`OverlappedTransfer` waits before it fills memory, and before it is used."""
    monkeypatch.setattr(Stream, wait, lambda stream, other: None)

    painting = paint_on(card, models("sd"), "stream")

    assert painting.first_plan is not None
    assert painting.first_plan.places["unet"].residence is Residence.STREAMED
    assert card.race_detector.races
