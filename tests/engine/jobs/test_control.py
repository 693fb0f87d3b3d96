"""What may be asked of control, what is stored of it, and which network paints."""

import json
from typing import Any

import pytest

from engine.errors import InvalidRequest
from engine.jobs.control import Control, ControlKind
from engine.jobs.process import Process, ProcessKind, Region
from engine.jobs.recipe import Recipe
from engine.jobs.request import ImageRequest
from engine.models.controls import ControlCatalogue
from engine.network_settings import ControlSettings
from tests.engine.builders import model, recipe

CATALOGUE = ControlCatalogue(
    {
        "canny": ControlSettings(source="lllyasviel/control_v11p_sd15_canny"),
        "union": ControlSettings(source="OzzyGT/controlnet-union-promax-sdxl-1.0"),
        "shapes": ControlSettings(
            source="alibaba-pai/Z-Image-Turbo-Fun-Controlnet-Union-2.1/"
            "Z-Image-Turbo-Fun-Controlnet-Tile-2.1-2601-8steps.safetensors"
        ),
        "turbo": ControlSettings(
            source="alibaba-pai/Z-Image-Turbo-Fun-Controlnet-Union-2.1/"
            "Z-Image-Turbo-Fun-Controlnet-Union-2.1.safetensors"
        ),
        "own": ControlSettings(source="someone/else", family="sd", types=("edges", "depth")),
    }
)


def resolve(control: Control, *, family: str | None = "sd", **asked: Any) -> Recipe:
    entry = model()
    object.__setattr__(entry, "family", family)
    request = ImageRequest(prompt="a house", control=control, **asked)
    return request.resolve(entry, None, CATALOGUE)


def edges(**changes: Any) -> Control:
    return Control(**{"image": "map.png", "kind": ControlKind.EDGES} | changes)


def test_the_first_network_of_the_family_that_takes_the_map_paints() -> None:
    assert resolve(edges()).control == edges(network="canny")
    assert resolve(edges(kind=ControlKind.DEPTH)).control == edges(
        kind=ControlKind.DEPTH, network="own"
    )
    for kind, network in ((ControlKind.EDGES, "turbo"), (ControlKind.TILE, "shapes")):
        found = resolve(edges(kind=kind), family="z-image", scheduler="default").control
        assert found == edges(kind=kind, network=network)
    again = edges(network="canny", strength=0.333)
    assert resolve(again, family="sdxl").control == edges(network="union", strength=0.33)


@pytest.mark.parametrize(
    ("control", "family", "sentence"),
    [
        (edges(), None, "tiny can't paint along a control picture. Use a model that can: Stable"),
        (edges(), "flux", "can't paint along a control picture"),
        (
            edges(kind=ControlKind.TILE),
            "sd",
            "tiny can't paint along shapes and colours here, only along: depth, edges.",
        ),
        (edges(strength=0), "sd", "must be above 0 and at most 2.0, not 0."),
        (edges(strength=float("nan")), "sd", "must be above 0"),
        (edges(start=0.5, end=0.5), "sd", "It starts at 0.5 and ends at 0.5."),
        (edges(end=1.1), "sd", "both between 0 and 1"),
    ],
)
def test_what_cannot_be_done_is_said(control: Control, family: str | None, sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        resolve(control, family=family)


def test_without_a_network_the_owner_is_told_what_to_set() -> None:
    request = ImageRequest(prompt="a house", control=edges())
    entry = model()
    object.__setattr__(entry, "family", "sd")
    with pytest.raises(InvalidRequest, match=r"\[controls\.NAME\]"):
        request.resolve(entry)


def test_recipes_and_requests_keep_it() -> None:
    made = recipe(control=edges(network="canny", strength=0.5, start=0.1, end=0.9))
    assert Recipe.from_json(json.loads(json.dumps(made.to_json()))) == made
    request = ImageRequest.of(made)
    assert ImageRequest.from_json(json.loads(json.dumps(request.to_json()))) == request
    old = made.to_json()
    del old["control"]
    assert Recipe.from_json(old).control is None


@pytest.mark.parametrize(
    "change",
    [{"kind": "smell"}, {"strength": "0.5"}, {"strength": 99}, {"end": 0}, {"image": 3}, {"x": 1}],
)
def test_what_this_version_does_not_know_is_an_error(change: dict[str, Any]) -> None:
    stored = recipe(control=edges()).to_json()
    stored["control"] |= change
    with pytest.raises((ValueError, TypeError)):
        Recipe.from_json(stored)


def test_a_region_is_painted_without_it() -> None:
    region = Region((1,), (0, 0, 32, 32), 64, 64, 0.3)
    process = Process(kind=ProcessKind.DETAILS, image="whole.png", region=region)
    assert recipe(control=edges(), process=process).of_region.control is None


def test_it_counts_from_its_start_to_its_end() -> None:
    control = edges(start=0.25, end=0.75)
    assert [control.counts(step, 4) for step in range(4)] == [False, True, True, False]
