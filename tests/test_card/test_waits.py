"""A step gives the card work and waits for nothing: the card never runs dry between two steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import ControlSettings
from engine.hub.ip_adapter_files import IPAdapterFiles
from engine.jobs.control import Control, ControlKind
from engine.jobs.reference_uses import ReferenceUse
from engine.models.controls import ControlCatalogue
from engine.models.model import Model
from tests.card import Card
from tests.card.painting import paint
from tests.engine.builders import engine_settings, job
from tests.engine.diffusion.families.unet_pipelines import photo
from tests.tiny.controlnet import controlnet, qwen_controlnet
from tests.tiny.ip_adapter import image_encoder, ip_adapter

pytestmark = pytest.mark.slow


def waits(model: Model, steps: int, special: dict[str, Any] | None = None, **more: Any) -> int:
    """How often the host waits for the card while it paints pictures of so many steps.

    Args:
        model: What paints.
        steps: How many.
        special: What a recipe has that shares its steps with one that hasn't.
        more: The scheduler, or what is beside the recipes, such as `controls`.
    """
    card = Card(10**9, context=10**8)
    settings = engine_settings(device="cuda", offload="resident", previews=False, reserve_gb=0)
    scheduler = more.pop("scheduler", "default")
    recipe: dict[str, Any] = {"scheduler": scheduler, "num_inference_steps": steps}
    jobs = [job(1, **recipe, guidance_scale=3)]
    if special is not None:
        jobs.append(job(2, **recipe, guidance_scale=3, **special))
    painting = paint(model, jobs, settings, card, together=True, **more)
    assert not painting.problems
    return card.waits


def extra_waits(model: Model, special: dict[str, Any] | None = None, **more: Any) -> int:
    """How many more waits it takes to take one step more."""
    few = waits(model, 2, special, **more)
    assert few > 0
    return waits(model, 3, special, **more) - few


@pytest.mark.parametrize(
    ("family", "scheduler", "of_diffusers"),
    [
        ("sd", "ddim", 0),
        ("sd", "dpmpp_2m", 0),
        pytest.param("sd", "lcm", 1, id="noise that its scheduler draws on the host"),
        ("flux", "euler", 0),
        pytest.param("qwen-image", "euler", 1, id="a number that masks prompts of Qwen-Image"),
    ],
)
def test_one_more_step_is_no_more_waits_but_those_of_diffusers(
    models: Callable[[str], Model], family: str, scheduler: str, of_diffusers: int
) -> None:
    assert extra_waits(models(family), scheduler=scheduler) == of_diffusers


def test_the_noise_of_chaos_is_not_waited_for(models: Callable[[str], Model]) -> None:
    assert extra_waits(models("sd"), {"chaos": 50}) == 0


@pytest.mark.parametrize(("family", "of_diffusers"), [("sd", 0), ("qwen-image", 2)])
def test_control_of_some_rows_is_not_waited_for(
    models: Callable[[str], Model], tmp_path: Path, family: str, of_diffusers: int
) -> None:
    entry = models(family)
    network = _network(entry, family, tmp_path / "network")
    photo().save(tmp_path / "map.png")
    control = Control(image="map.png", kind=ControlKind.EDGES, network="net", strength=0.5)
    own = ControlSettings(source=str(network), family=family, types=("edges",))
    beside = {"controls": ControlCatalogue({"net": own}), "control": tmp_path / "map.png"}
    assert extra_waits(entry, {"control": control}, **beside) <= of_diffusers


def test_pictures_shown_to_some_rows_are_not_waited_for(
    models: Callable[[str], Model], tmp_path: Path
) -> None:
    from diffusers import UNet2DConditionModel

    entry = models("sd")
    unet = UNet2DConditionModel.from_pretrained(entry.source, subfolder="unet")
    adapter = ip_adapter(tmp_path / "plus.safetensors", unet)
    photo().save(tmp_path / "shown.png")
    shown = {"references": ("shown.png",), "reference_uses": (ReferenceUse(),)}
    files = IPAdapterFiles(adapter, image_encoder(tmp_path / "encoder"))
    beside = {"ip_adapter": files, "references": [tmp_path / "shown.png"]}
    assert extra_waits(entry, shown, **beside) == 0


def _network(entry: Model, family: str, folder: Path) -> Path:
    """A control network for a tiny model."""
    from diffusers import QwenImageTransformer2DModel, UNet2DConditionModel

    if family == "qwen-image":
        transformer = QwenImageTransformer2DModel.from_pretrained(
            entry.source, subfolder="transformer"
        )
        return qwen_controlnet(folder, transformer)
    unet = UNet2DConditionModel.from_pretrained(entry.source, subfolder="unet")
    return controlnet(folder, unet)
