"""Ways to paint faster are tried on the card once, remembered, and paint the same picture."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.models.model import Model
from tests.card import Card
from tests.card.painting import Painting, paint
from tests.engine.builders import engine_settings, job
from tests.test_card.conftest import RECIPE


@pytest.mark.slow
@pytest.mark.parametrize("family", ["sd", "flux"])
def test_ways_are_tried_once_and_the_picture_is_the_cpus(
    card: Card,
    models: Callable[[str], Model],
    plain: Callable[[str], Painting],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    family: str,
) -> None:
    caplog.set_level(logging.INFO, "engine.diffusion.attention")
    settings = engine_settings(device="cuda", offload="resident", previews=False, reserve_gb=0)

    def painted() -> Painting:
        return paint(models(family), [job(1, **RECIPE)], settings, card, cache=tmp_path)

    first = painted()
    assert not first.problems
    assert abs(first.pictures[0] - plain(family).pictures[0]).max() <= 1
    [tried] = caplog.messages[-1:]
    assert "attention by" in tried
    assert "cuDNN" in tried
    [known] = json.loads((tmp_path / "tuning.json").read_text()).values()
    assert {"attention", "vae_channels"} <= known.keys()
    assert ("unet_channels" in known) == (family == "sd")

    caplog.clear()
    assert not painted().problems
    assert not caplog.messages, "what is remembered isn't tried again"


@pytest.mark.slow
def test_nothing_is_tried_while_the_denoiser_streams_or_there_is_no_folder(
    models: Callable[[str], Model], tmp_path: Path
) -> None:
    for offload, cache in (("sequential", tmp_path), ("resident", None)):
        settings = engine_settings(device="cuda", offload=offload, previews=False, reserve_gb=0)
        card = Card(10**9, context=10**8)
        painting = paint(models("sd"), [job(1, **RECIPE)], settings, card, cache=cache)
        assert not painting.problems
        assert not list(tmp_path.iterdir())
