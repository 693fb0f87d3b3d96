"""A control network that computes with layers of the model it controls, wherever those are."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from diffusers import ZImageTransformer2DModel
from safetensors.torch import load_file

from engine.diffusion.device import Device
from engine.hub.control_files import WEIGHTS
from engine.jobs.control import Control, ControlKind
from engine.memory.plan import Residence, Stage
from engine.models.controls import ControlCatalogue
from engine.models.model import Model
from engine.network_settings import ControlSettings
from tests.card import Card
from tests.card.painting import Painting, paint
from tests.engine.builders import engine_settings, job
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference
from tests.engine.diffusion.families.unet_pipelines import photo
from tests.test_card.conftest import RECIPE
from tests.tiny.controlnet import z_image_controlnet

NAME = "controlnet.union"

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("rung", ["model", "stream", "sequential"])
def test_z_image_paints_along_a_map_as_on_the_cpu_and_the_network_is_in_the_plan(
    card: Card,
    models: Callable[[str], Model],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rung: str,
) -> None:
    entry = models("z-image")
    transformer = ZImageTransformer2DModel.from_pretrained(entry.source, subfolder="transformer")
    network = z_image_controlnet(tmp_path / "network", transformer, channels=9)
    settings = ControlSettings(source=str(network), family="z-image")
    shown = tmp_path / "map.png"
    photo().save(shown)
    control = Control(image=shown.name, kind=ControlKind.POSE, network="union", strength=0.7)

    def paint_along(where: Card | None) -> Painting:
        device = {"device": "cuda", "offload": rung, "reserve_gb": 0} if where else {}
        return paint(
            entry,
            [job(1, **RECIPE, control=control)],
            engine_settings(previews=False, vae_tiling="off", **device),
            where,
            controls=ControlCatalogue({"union": settings}),
            control=shown,
        )

    plain = paint_along(None)
    facts = Device.facts
    if rung == "stream":
        monkeypatch.setattr(
            Device, "facts", lambda device, own=0: replace(facts(device, own), free_bytes=1)
        )
    painting = paint_along(card)

    assert not painting.problems
    assert difference(painting.pictures[0], plain.pictures[0]) <= ONE_LEVEL
    assert card.race_detector.accesses > 500
    assert card.race_detector.races == []
    plan = painting.peak(Stage.STEP).plan
    weights = sum(tensor.nbytes for tensor in load_file(network / WEIGHTS[1]).values())
    assert plan.places[NAME].weight_bytes == weights, "without those that it borrows"
    streams = plan.places[NAME].residence is Residence.STREAMED
    assert streams == (rung != "model")
