"""From what a person asks to what is painted: a sentence for each thing that can be wrong."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from engine.errors import InvalidRequest
from engine.jobs.process import Process, ProcessKind, Region
from engine.jobs.recipe import MAX_PROMPT, MAX_SEED, DraftOf, Recipe
from engine.jobs.request import ImageRequest
from engine.models.catalogue import SKETCH
from engine.models.model import Model
from engine.models.schedulers import SCHEDULERS, allowed_schedulers
from tests.engine.builders import model, model_settings, recipe


def resolve(**asked: Any) -> Recipe:
    return ImageRequest(**{"prompt": "a house"} | asked).resolve(model())


def test_what_is_left_open_comes_from_the_model() -> None:
    entry = model(
        width=96, height=128, num_inference_steps=9, guidance_scale=3.5, scheduler="euler"
    )
    made = ImageRequest(prompt="a house", seed=5).resolve(entry)
    assert made == recipe(
        prompt="a house",
        width=96,
        height=128,
        num_inference_steps=9,
        guidance_scale=3.5,
        scheduler="euler",
        seed=5,
    )


def test_what_is_asked_for_is_what_is_painted() -> None:
    asked = {
        "prompt": "a house",
        "negative_prompt": "fish",
        "width": 96,
        "height": 32,
        "num_inference_steps": 1,
        "guidance_scale": 0.0,
        "seed": 0,
        "count": 4,
        "scheduler": "unipc",
    }
    assert resolve(**asked) == recipe(**asked)


def test_a_recipe_is_quick_only_where_something_can_be_left_out() -> None:
    def quick(asked: dict[str, Any], entry: Model = SKETCH, *, wanted: bool = True) -> bool:
        return ImageRequest(prompt="a house", **asked).resolve(entry, quick=wanted).quick

    assert quick({})
    assert not quick({}, wanted=False)
    assert not quick({"num_inference_steps": 19})
    assert not quick({"num_inference_steps": 30, "image": "a.png", "strength": 0.5})
    assert quick({"num_inference_steps": 40, "image": "a.png", "strength": 0.5})
    assert not quick({"chaos": 10})
    assert not quick({"num_inference_steps": 30}, model()), "its kind isn't known"
    stored = {name: value for name, value in recipe().to_json().items() if name != "quick"}
    assert not Recipe.from_json(stored).quick, "from before there was such a mode"
    again = ImageRequest.of(recipe(quick=True, num_inference_steps=30)).resolve(model())
    assert not again.quick, "painted again, it's as the settings say now"


def test_a_seed_is_fixed_once_and_for_all() -> None:
    seeds = {resolve().seed for _ in range(20)}
    assert len(seeds) == 20
    assert all(0 <= seed <= MAX_SEED for seed in seeds)


def test_the_seeds_of_several_pictures_stay_in_bounds() -> None:
    assert recipe(seed=MAX_SEED - 1, count=4).seeds == (MAX_SEED - 1, MAX_SEED, 0, 1)


def test_white_space_in_prompts_is_put_in_order() -> None:
    made = resolve(prompt="  a\n\n house\t ", negative_prompt=" blurred \r\n fish ")
    assert (made.prompt, made.negative_prompt) == ("a house", "blurred fish")


def test_a_recipe_survives_json() -> None:
    made = resolve(prompt="ein Häuschen 🏠 “quoted”", guidance_scale=3.14159, seed=MAX_SEED)
    assert Recipe.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_what_is_done_with_a_picture_and_what_a_draft_is_of_survive_json() -> None:
    region = Region((2, 3), (0, 0, 40, 30), 64, 48, 0.35)
    details = Process(kind=ProcessKind.DETAILS, image="a.png", region=region)
    upscale = Process(kind=ProcessKind.UPSCALE, image="a.png", network="net")
    for changes in (
        {"process": details},
        {"process": upscale, "enlarged": 4},
        {"draft_of": DraftOf("flux", 20, None, "euler", 96, 64)},
    ):
        made = recipe(**changes)
        read = Recipe.from_json(json.loads(json.dumps(made.to_json())))
        assert read == made
        request = ImageRequest.of(read)
        assert (request.draft_of, request.enlarged) == (made.draft_of, 1)
        assert ImageRequest.from_json(json.loads(json.dumps(request.to_json()))) == request
    stored = recipe(process=details).to_json()
    stored["process"] |= {"kind": "upscale"}
    with pytest.raises(ValueError, match="region"):
        Recipe.from_json(stored)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"prompt": ""}, "The prompt is empty. Say what the picture should show."),
        ({"prompt": " \n\t\u2003 "}, "The prompt is empty. Say what the picture should show."),
        (
            {"prompt": "\u200b\u202e \u2060"},
            "The prompt is empty. Say what the picture should show.",
        ),
        ({"prompt": "x" * 2001}, "The prompt has 2001 characters; the limit is 2000."),
        (
            {"negative_prompt": "x" * 3000},
            "The negative prompt has 3000 characters; the limit is 2000.",
        ),
        ({"width": 16}, "The width is 16 pixels, but tiny paints 32 to 256."),
        ({"height": 4096}, "The height is 4096 pixels, but tiny paints 32 to 256."),
        ({"height": 0}, "The height is 0 pixels, but tiny paints 32 to 256."),
        ({"width": -64}, "The width is -64 pixels, but tiny paints 32 to 256."),
        ({"width": 100}, "The width is 100 pixels, but must be a multiple of 8, such as 96."),
        ({"guidance_scale": -1.0}, "The guidance must be between 0 and 30, not -1."),
        ({"guidance_scale": 30.01}, "The guidance must be between 0 and 30, not 30.01."),
        ({"guidance_scale": math.nan}, "The guidance must be between 0 and 30, not nan."),
        ({"guidance_scale": math.inf}, "The guidance must be between 0 and 30, not inf."),
        ({"seed": -1}, "The seed must be between 0 and 4294967295, not -1."),
        ({"seed": 2**32}, "The seed must be between 0 and 4294967295, not 4294967296."),
        ({"count": 0}, "The number of pictures must be between 1 and 4, not 0."),
        ({"count": -1}, "The number of pictures must be between 1 and 4, not -1."),
        ({"count": 5}, "The number of pictures must be between 1 and 4, not 5."),
        (
            {"num_inference_steps": 0},
            "The number of steps must be between 1 and 150, not 0.",
        ),
        (
            {"num_inference_steps": 151},
            "The number of steps must be between 1 and 150, not 151.",
        ),
        (
            {"num_inference_steps": 51, "scheduler": "lcm"},
            "The number of steps must be between 1 and 50, not 51.",
        ),
        (
            {"scheduler": "magic"},
            f"There's no scheduler “magic”. Available: {', '.join(sorted(SCHEDULERS))}.",
        ),
    ],
)
def test_what_cannot_be_painted_is_refused_with_a_sentence(
    asked: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        resolve(**asked)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "asked",
    [
        {"prompt": "x" * MAX_PROMPT},
        {"seed": 0},
        {"seed": MAX_SEED},
        {"guidance_scale": 30.0},
        {"num_inference_steps": 150},
        {"num_inference_steps": 50, "scheduler": "lcm"},
        {"width": 32, "height": 256},
        *[{"scheduler": name, "num_inference_steps": 1} for name in SCHEDULERS],
    ],
)
def test_the_bounds_themselves_are_allowed(asked: dict[str, Any]) -> None:
    resolve(**asked)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_model_of_the_flow_matching_kind_takes_only_what_fits_it(scheduler: str) -> None:
    entry = model("black-forest-labs/FLUX.1-schnell", "flux", scheduler="euler")
    asked = ImageRequest(prompt="a house", scheduler=scheduler)
    if scheduler in allowed_schedulers("flux"):
        assert asked.resolve(entry).scheduler == scheduler
    else:
        with pytest.raises(InvalidRequest) as caught:
            asked.resolve(entry)
        assert str(caught.value) == (
            f"The scheduler “{scheduler}” doesn't work with flux. Available: default, "
            "dpmpp_2m, dpmpp_2m_sde, euler, heun, unipc."
        )


def test_a_size_that_is_suggested_can_be_painted() -> None:
    """Even where the smallest side is itself no multiple."""
    entry = model(min_side=100, width=128, height=128, multiple_of=64)
    with pytest.raises(InvalidRequest, match="such as 128") as caught:
        ImageRequest(prompt="a house", width=101).resolve(entry)
    suggested = int(str(caught.value).rstrip(".").rsplit(" ", 1)[1])
    ImageRequest(prompt="a house", width=suggested).resolve(entry)


def test_a_recipe_is_asked_for_again_as_it_is() -> None:
    made = recipe(image="a.png", strength=0.3, enlarged=2, seed=5)
    assert ImageRequest.of(made).resolve(model()) == made


def test_a_picture_that_keeps_anothers_composition_may_be_twice_as_large() -> None:
    entry = model(max_side=128)
    larger = ImageRequest(prompt="a house", width=256, height=256, image="a.png", strength=0.5)
    assert larger.resolve(entry).width == 256
    for changes in ({"strength": 0.51}, {"image": None}, {"width": 264}):
        with pytest.raises(InvalidRequest, match=r"pixels, but .* paints 32 to"):
            replace(larger, **changes).resolve(entry)


def test_nothing_is_enlarged_beyond_reason() -> None:
    entry = model(max_side=2048)
    wide = ImageRequest(prompt="a house", width=2048, height=2048, enlarged=2)
    assert wide.resolve(entry).enlarged == 2
    with pytest.raises(InvalidRequest, match=r"Enlarged 4×, .* 36 million pixels\. Use a smaller"):
        replace(wide, enlarged=4).resolve(entry)


def test_where_a_mask_leaves_no_room_for_its_picture_others_are_shown_in_its_place() -> None:
    asked = ImageRequest(prompt="a house", image="a.png", mask="m.png")
    for family, shown in (("flux-kontext", ("b.png",)), ("flux2-klein", ("a.png", "b.png"))):
        entry = Model.of("edits", model_settings("nowhere", scheduler="default"), family=family)
        assert asked.resolve(entry).references == ("a.png",)
        made = replace(asked, references=("b.png",)).resolve(entry)
        assert (made.image, made.references) == ("a.png", shown)
        assert ImageRequest.of(made).resolve(entry) == made
