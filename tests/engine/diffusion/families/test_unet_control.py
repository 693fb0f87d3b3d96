"""Pictures painted along a map are those of Diffusers' ControlNet pipelines."""

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from engine.diffusion.families import Family, InitImage, family_of
from engine.diffusion.families.unet_control import UNION_TYPES
from engine.errors import InvalidRequest, ModelUnavailable
from engine.jobs.control import Control, ControlKind
from engine.jobs.recipe import Recipe
from engine.models.controls import ControlCatalogue
from engine.network_settings import ControlSettings
from tests.engine.builders import recipe
from tests.engine.diffusion.families.parity import ONE_LEVEL, Image, difference, paint, parts
from tests.engine.diffusion.families.unet_pipelines import photo
from tests.tiny.controlnet import controlnet

KINDS = {"canny": ControlKind.EDGES, "depth": ControlKind.DEPTH}


@pytest.fixture(scope="session")
def networks(
    unet_pipes: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The folders of the networks by their names in the settings."""
    new = tmp_path_factory.mktemp
    return {
        "canny": controlnet(new("canny"), unet_pipes["sd"].unet),
        "depth": controlnet(new("depth"), unet_pipes["sd"].unet, seed=6),
        "plain xl": controlnet(new("xl"), unet_pipes["xl"].unet),
        "union": controlnet(new("union"), unet_pipes["xl"].unet, union=8),
    }


@pytest.fixture
def controlled(unet_pipes: dict[str, Any], networks: dict[str, Path]) -> dict[str, Family]:
    def settings(name: str, family: str, *types: str) -> ControlSettings:
        return ControlSettings(source=str(networks[name]), family=family, types=types)

    catalogue = ControlCatalogue(
        {
            "canny": settings("canny", "sd", "edges"),
            "depth": settings("depth", "sd", "depth"),
            "plain xl": settings("plain xl", "sdxl", "lines"),
            "union": settings("union", "sdxl", "pose", "depth", "edges", "tile"),
        }
    )
    return {
        kind: family_of(pipe, parts(pipe), None, controls=catalogue)
        for kind, pipe in unet_pipes.items()
    }


def along(network: str, kind: ControlKind = ControlKind.EDGES, **changes: Any) -> Recipe:
    """A recipe for a picture painted along a map by that network."""
    numbers = {name: changes.pop(name) for name in ("start", "end") if name in changes}
    weight = changes.pop("weight", 0.8)
    control = Control(image="map.png", kind=kind, strength=weight, network=network, **numbers)
    return recipe(control=control, **{"negative_prompt": "a blue fish"} | changes)


def plain(pipe: Any, folder: Path, asked: Recipe, shown: Pillow.Image, **more: Any) -> Image:
    """What the ControlNet pipeline of Diffusers paints."""
    assert asked.control is not None
    xl, union = "XL" in type(pipe).__name__, "union" in str(folder)
    network = getattr(diffusers, f"ControlNet{'Union' if union else ''}Model").from_pretrained(
        folder, dtype=pipe.unet.dtype
    )
    task = "Img2Img" if more else ""
    name = f"StableDiffusion{'XL' if xl else ''}ControlNet{'Union' if union else ''}{task}Pipeline"
    extra = {"add_watermarker": False} if xl else {"requires_safety_checker": False}
    caller = getattr(diffusers, name)(**pipe.components, controlnet=network, **extra)
    caller.scheduler = diffusers.DDIMScheduler.from_config(pipe.scheduler.config)
    caller.set_progress_bar_config(disable=True)
    image = "control_image" if union or task else "image"
    mode = {"control_mode": [UNION_TYPES[asked.control.kind]]} if union else {}
    result = caller(
        prompt=asked.prompt,
        negative_prompt=asked.negative_prompt,
        num_inference_steps=asked.num_inference_steps,
        guidance_scale=asked.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(asked.seed),
        width=asked.width,
        height=asked.height,
        controlnet_conditioning_scale=asked.control.strength,
        control_guidance_start=asked.control.start,
        control_guidance_end=asked.control.end,
        **{image: shown},
        **mode,
        **more,
    )
    return np.asarray(result.images[0]).astype(np.int16)


CASES = (
    ("sd", along("canny")),
    ("sd", along("canny", guidance_scale=1.0, weight=1.0, scheduler="ddim")),
    ("sd", along("canny", start=0.25, end=0.75, width=96)),
    ("xl", along("plain xl", ControlKind.LINES, height=96)),
    ("xl", along("union", ControlKind.POSE)),
    ("xl", along("union", ControlKind.TILE, weight=1.5, end=0.5, guidance_scale=1.0)),
)


@pytest.mark.parametrize(("kind", "asked"), CASES)
def test_a_picture_painted_along_a_map_is_the_one_that_the_pipeline_paints(
    controlled: dict[str, Family],
    unet_pipes: dict[str, Any],
    networks: dict[str, Path],
    kind: str,
    asked: Recipe,
) -> None:
    assert asked.control is not None
    shown = photo(asked.width, asked.height)
    [alone] = paint(controlled[kind], asked, control=shown)
    expected = plain(unet_pipes[kind], networks[asked.control.network], asked, shown)
    assert difference(alone, expected) == 0
    [free] = paint(controlled[kind], recipe(negative_prompt="a blue fish", seed=asked.seed))
    assert free.shape != alone.shape or difference(free, alone) > 10 * ONE_LEVEL


@pytest.mark.parametrize("kind", ["sd", "xl"])
def test_so_it_is_from_a_start_image(
    controlled: dict[str, Family],
    unet_pipes: dict[str, Any],
    networks: dict[str, Path],
    kind: str,
) -> None:
    asked = along("canny" if kind == "sd" else "union", strength=0.6, num_inference_steps=5)
    start, shown = photo(seed=9), photo()
    folder = networks[asked.control.network if asked.control else ""]
    [alone] = paint(controlled[kind], asked, init_image=InitImage(start), control=shown)
    more = {"image": start, "strength": asked.strength}
    assert difference(alone, plain(unet_pipes[kind], folder, asked, shown, **more)) == 0


@pytest.mark.parametrize(
    ("kind", "names"), [("sd", ("canny", "depth")), ("xl", ("union", "plain xl"))]
)
def test_rows_with_and_without_control_of_all_sorts_share_a_batch(
    controlled: dict[str, Family], kind: str, names: tuple[str, str]
) -> None:
    first, second = names
    recipes = [
        along(first, ControlKind.POSE, seed=1, weight=0.5),
        recipe(seed=2, num_inference_steps=5),
        along(first, ControlKind.DEPTH, seed=3, weight=1.3, end=0.6, guidance_scale=1.0),
        along(second, seed=4, start=0.3),
    ]
    shown = photo()
    family = controlled[kind]
    samples = [
        (asked, family.begin(asked, None, (), shown if asked.control else None)[0])
        for asked in recipes
    ]
    assert len({family.batch_key(sample) for _, sample in samples}) == 1
    with torch.inference_mode():
        while not all(sample.done for _, sample in samples):
            family.step([sample for _, sample in samples if not sample.done], lambda: None)
        for asked, sample in samples:
            together = np.asarray(family.finish(sample)).astype(np.int16)
            [alone] = paint(family, asked, control=shown if asked.control else None)
            assert difference(alone, together) <= ONE_LEVEL, asked.seed


def test_a_map_of_another_shape_is_cropped_to_its_middle(controlled: dict[str, Family]) -> None:
    shown = photo(64, 64)
    wide = Pillow.new("RGB", (192, 64), "white")
    wide.paste(shown, (64, 0))
    [one] = paint(controlled["sd"], along("canny"), control=shown)
    [other] = paint(controlled["sd"], along("canny"), control=wide)
    assert difference(one, other) == 0


def test_what_a_network_cannot_do_is_said(
    unet_pipes: dict[str, Any], networks: dict[str, Path], tmp_path: Path
) -> None:
    small = controlnet(tmp_path / "small", unet_pipes["xl"].unet, union=6)
    (tmp_path / "empty").mkdir()
    catalogue = ControlCatalogue(
        {
            "small": ControlSettings(source=str(small), family="sdxl", types=("tile",)),
            "other": ControlSettings(source=str(small), family="sd", types=("tile",)),
            "unfit": ControlSettings(source=str(networks["canny"]), family="sdxl"),
            "empty": ControlSettings(source=str(tmp_path / "empty"), family="sdxl"),
        }
    )
    family = family_of(unet_pipes["xl"], parts(unet_pipes["xl"]), None, controls=catalogue)
    for network, sentence in (
        ("small", "wasn't trained on this type"),
        ("other", "is for other models"),
        ("unfit", "was made for another model"),
        ("empty", "isn't a control network"),
    ):
        with pytest.raises(ModelUnavailable, match=sentence):
            family.begin(along(network, ControlKind.TILE), None, (), photo())
    with pytest.raises(InvalidRequest, match="no longer configured"):
        family.begin(along("gone"), None, (), photo())
