"""A family painted on a rung, compared with the CPU: nothing mixes, nothing races."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from engine.diffusion.device import Device
from engine.models.families import FAMILIES
from engine.models.model import Model
from tests.card import Card
from tests.card.painting import Painting
from tests.engine.builders import engine_settings
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference
from tests.test_card.conftest import paint_one

RUNGS = ("resident", "encoders", "model", "stream", "sequential")


def paint_on(card: Card, model: Model, rung: str) -> Painting:
    """Paint; if the rung streams, with every weight streamed that can be."""
    facts = Device.facts
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Device, "facts", lambda device, own=0: replace(facts(device, own), free_bytes=1)
        )
        settings = engine_settings(
            device="cuda", offload=rung, vae_tiling="off", previews=False, reserve_gb=0
        )
        return paint_one(model, settings, card)


def check_rung(
    card: Card,
    family: str,
    rung: str,
    models: Callable[[str], Model],
    plain: Callable[[str], Painting],
) -> None:
    """The picture is the CPU's, and every access to the card's memory is in order.

    Where another picture is encoded, too, numbers are rounded differently.
    """
    painting = paint_on(card, models(family), rung)

    assert not painting.problems
    at_most = ONE_LEVEL if FAMILIES[family].references else 0
    assert difference(painting.pictures[0], plain(family).pictures[0]) <= at_most
    assert card.race_detector.accesses > 500
    assert card.race_detector.races == []
