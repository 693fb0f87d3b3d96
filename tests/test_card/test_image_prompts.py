"""An IP-Adapter and its image encoder are planned, and leave the card as text encoders do."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file

from engine.diffusion.device import Device
from engine.hub.ip_adapter_files import IPAdapterFiles
from engine.jobs.reference_uses import ReferenceUse
from engine.memory.plan import Stage
from engine.models.model import Model
from tests.card import Card
from tests.card.painting import Painting, paint
from tests.engine.builders import engine_settings, job
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference
from tests.engine.diffusion.families.unet_pipelines import photo
from tests.test_card.conftest import RECIPE
from tests.tiny.ip_adapter import image_encoder, ip_adapter

PARTS = "image_encoder", "ip_adapter"


@pytest.mark.slow
@pytest.mark.parametrize("rung", ["model", "stream"])
def test_pictures_are_shown_as_on_the_cpu_and_their_weights_are_in_the_plan(
    card: Card,
    models: Callable[[str], Model],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rung: str,
) -> None:
    entry = models("sd")
    unet: Any = UNet2DConditionModel.from_pretrained(entry.source, subfolder="unet")
    adapter = ip_adapter(tmp_path / "plus.safetensors", unet)
    files = IPAdapterFiles(adapter, image_encoder(tmp_path / "encoder"))
    picture = tmp_path / "shown.png"
    photo().save(picture)
    shown: dict[str, Any] = {"references": (picture.name,), "reference_uses": (ReferenceUse(),)}
    asked = job(1, **RECIPE, **shown)

    def paint_shown(where: Card | None) -> Painting:
        device = {"device": "cuda", "offload": rung, "reserve_gb": 0} if where else {}
        settings = engine_settings(previews=False, vae_tiling="off", **device)
        return paint(entry, [asked], settings, where, references=[picture], ip_adapter=files)

    plain = paint_shown(None)
    if rung == "stream":
        facts = Device.facts
        monkeypatch.setattr(
            Device, "facts", lambda device, own=0: replace(facts(device, own), free_bytes=1)
        )
    painting = paint_shown(card)

    assert not painting.problems
    assert difference(painting.pictures[0], plain.pictures[0]) <= ONE_LEVEL
    assert card.race_detector.races == []
    assert painting.first_plan is not None
    assert not set(PARTS) & painting.first_plan.places.keys()
    plan = next(run.plan for run in painting.stages if run.stage is Stage.STEP)
    for name, file in (
        ("image_encoder", files.image_encoder / "model.safetensors"),
        ("ip_adapter", adapter),
    ):
        size = sum(tensor.nbytes for tensor in load_file(file).values())
        weight = plan.places[name].weight_bytes
        assert weight in (size, size // 2), "in single or half precision"
    if rung == "model":
        counted = {m.weight_bytes for m in painting.measurements if m.stage is Stage.STEP}
        assert counted == {plan.places["unet"].weight_bytes}, "the others have left"
