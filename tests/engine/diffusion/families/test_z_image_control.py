"""Z-Image along a map paints what Diffusers' ControlNet pipeline paints."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.diffusion.families.control_loading import load_control
from engine.diffusion.families.z_image import ZImage
from engine.errors import ModelUnavailable
from engine.hub.control_files import WEIGHTS
from engine.jobs.control import Control, ControlKind
from engine.jobs.recipe import AdapterUse, Recipe
from engine.models.adapters import AdapterCatalogue
from engine.models.controls import ControlCatalogue, ControlNetwork
from engine.network_settings import ControlSettings
from tests.engine.diffusion.families.parity import LONG, ONE_LEVEL, difference, paint, parts
from tests.engine.diffusion.families.transformer_pipelines import levels, recipe, run_pipeline
from tests.engine.diffusion.families.unet_pipelines import photo
from tests.tiny.adapters import lora
from tests.tiny.controlnet import z_image_controlnet
from tests.tiny.z_image import z_image

KINDS: dict[str, dict[str, Any]] = {
    "1.0": {"refiner": None, "layers": [0]},
    "2.0": {"refiner": "control_layers", "channels": 9},
    "2.1": {"refiner": "control_noise_refiner", "channels": 9},
}
"""The published versions: with fewer layers, and with nine channels for inpainting's 33."""


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return diffusers.ZImagePipeline.from_pretrained(z_image(tmp_path_factory.mktemp("z-image")))


@pytest.fixture(scope="module")
def networks(pipe: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {
        name: z_image_controlnet(tmp_path_factory.mktemp(name), pipe.transformer, **kind)
        for name, kind in KINDS.items()
    }


@pytest.fixture(scope="module")
def family(
    pipe: Any, networks: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> ZImage:
    loras = tmp_path_factory.mktemp("loras")
    lora(loras / "ink.safetensors", pipe, "transformer", seed=1)
    settings = {
        name: ControlSettings(source=str(folder), family="z-image")
        for name, folder in networks.items()
    }
    return ZImage(
        pipe,
        parts(pipe),
        controls=ControlCatalogue(settings),
        adapters=AdapterCatalogue(folder=loras),
    )


def along(network: str = "2.1", strength: float = 0.8, end: float = 1.0, **changes: Any) -> Recipe:
    control = Control(
        image="map.png", kind=ControlKind.POSE, strength=strength, end=end, network=network
    )
    return recipe(control=control, **changes)


@pytest.mark.parametrize(
    "asked",
    [
        along("1.0", guidance_scale=0.0),
        along("2.0", negative_prompt="a blue fish", width=96, strength=1.5),
        along("2.1", guidance_scale=0.0, strength=1.0),
        along("2.1", negative_prompt="a blue fish", prompt=LONG),
    ],
    ids=lambda asked: asked.control.network,
)
def test_a_picture_painted_along_a_map_is_the_one_that_the_pipeline_paints(
    family: ZImage, pipe: Any, networks: dict[str, Path], asked: Recipe
) -> None:
    assert asked.control is not None
    shown = photo(asked.width, asked.height)
    [alone] = paint(family, asked, control=shown)
    module = diffusers.ZImageControlNetModel.from_pretrained(networks[asked.control.network])

    def kind(**components: Any) -> Any:
        return diffusers.ZImageControlNetPipeline(controlnet=module, **components)

    expected = run_pipeline(
        kind,
        pipe,
        asked,
        negative_prompt=asked.negative_prompt,
        control_image=shown,
        controlnet_conditioning_scale=asked.control.strength,
    )
    rounding = ONE_LEVEL if asked.guidance_scale else 0  # the prompts' order in a batch
    assert difference(alone, levels(expected)) <= rounding
    [other] = paint(family, asked, control=photo(asked.width, asked.height, seed=8))
    assert difference(alone, other) > 3 * ONE_LEVEL


@pytest.mark.parametrize("adapters", [(), (AdapterUse("ink", 1.0),)], ids=["", "beside a LoRA"])
def test_rows_with_and_without_control_share_a_batch(
    family: ZImage, adapters: tuple[AdapterUse, ...]
) -> None:
    """Along different networks, too, and though a LoRA changes the layers that these borrow."""
    recipes = [
        recipe(seed=1, prompt="moon", adapters=adapters),
        along("2.1", seed=2, strength=0.5, prompt=LONG),
        recipe(seed=3, num_inference_steps=5, prompt=f"{LONG}, {LONG}"),
        along("1.0", seed=4, strength=1.3, end=0.6, guidance_scale=0.0, prompt="moon"),
        along("2.1", seed=5, strength=1.1, num_inference_steps=4),
    ]
    shown = photo()
    samples = [
        (asked, family.begin(asked, None, (), shown if asked.control else None)[0])
        for asked in recipes
    ]
    assert len({family.batch_key(sample) for _, sample in samples}) == 1
    with torch.inference_mode():
        while batch := [sample for _, sample in samples if not sample.done]:
            family.step(batch, lambda: None)
        for asked, sample in samples:
            together = np.asarray(family.finish(sample)).astype(np.int16)
            [alone] = paint(family, asked, control=shown if asked.control else None)
            assert difference(alone, together) <= ONE_LEVEL, asked.seed


def test_a_lora_changes_the_layers_that_a_network_borrows(family: ZImage, pipe: Any) -> None:
    inked = along(adapters=(AdapterUse("ink", 1.0),), guidance_scale=0.0)
    [painted] = paint(family, inked, control=photo())
    [plain] = paint(family, along(guidance_scale=0.0), control=photo())
    assert difference(painted, plain) > 3 * ONE_LEVEL
    network = family._controls["2.1"].module
    assert network.noise_refiner is pipe.transformer.noise_refiner
    assert "noise_refiner" not in dict(network.named_children()), "it isn't moved with the network"


@pytest.mark.parametrize(
    ("layers", "places"),
    [(6, range(0, 30, 5)), (15, range(0, 30, 2)), (3, (0, 10, 20))],
    ids=["1.0", "2.x", "lite"],
)
@pytest.mark.parametrize("trained", [True, False], ids=["2.1", "2.0"])
def test_a_published_file_says_how_it_is_built(
    pipe: Any, tmp_path: Path, layers: int, places: Sequence[int], trained: bool
) -> None:
    first = layers == 6
    folder = z_image_controlnet(
        tmp_path / "network",
        pipe.transformer,
        channels=4 if first else 9,
        refiner=None if first else "control_noise_refiner",
        layers=range(layers),
    )
    file = folder / WEIGHTS[1]
    tensors = load_file(file)
    if not trained and not first:
        tensors["control_noise_refiner.0.before_proj.weight"].zero_()
    save_file(tensors, tmp_path / "network.safetensors")
    network = ControlNetwork(name="network", source="", family="z-image", kinds=())
    module = load_control(network, tmp_path / "network.safetensors", torch.float32)
    assert module.config.control_layers_places == list(places)
    assert module.config.control_in_dim == (4 if first else 9)
    refiner = "control_noise_refiner" if trained else "control_layers"
    assert module.config.add_control_noise_refiner == (None if first else refiner)
    for name, weights in module.state_dict().items():
        assert torch.equal(weights, tensors[name]), name


def test_what_is_no_network_for_the_model_is_said(
    pipe: Any, networks: dict[str, Path], tmp_path: Path
) -> None:
    deep = z_image_controlnet(tmp_path / "deep", pipe.transformer, layers=(0, 7))
    tensors = load_file(networks["2.1"] / WEIGHTS[1])
    save_file({"conv.weight": torch.ones(3)}, tmp_path / "other.safetensors")
    save_file(tensors | {"strange": torch.ones(3)}, tmp_path / "more.safetensors")
    tensors.popitem()
    save_file(tensors, tmp_path / "less.safetensors")
    sources = {
        "deep": deep,
        **{name: tmp_path / f"{name}.safetensors" for name in ("other", "more", "less")},
    }
    settings = {
        name: ControlSettings(source=str(source), family="z-image")
        for name, source in sources.items()
    } | {"sd": ControlSettings(source=str(deep), family="sd")}
    family = ZImage(pipe, parts(pipe), controls=ControlCatalogue(settings))
    for name, sentence in (
        ("deep", "was made for another model"),
        ("other", "it isn't a control network for Z-Image"),
        ("more", "weights of another model: strange"),
        ("less", "its weights are missing control_"),
        ("sd", "is for other models"),
    ):
        with pytest.raises(ModelUnavailable, match=sentence):
            family.begin(along(name), None, (), photo())
