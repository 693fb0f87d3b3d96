"""What a server decides about its models, and what that does to requests."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine import (
    ImageRequest,
    InvalidRequest,
    Job,
    ModelDefaults,
    Requester,
    Studio,
    UnknownModel,
    open_studio,
)
from tests.engine.builders import engine_settings, model_settings


@pytest.fixture
async def studio(tmp_path: Path, tiny_model: Path) -> AsyncIterator[Studio]:
    models = {name: model_settings(tiny_model) for name in ("tiny", "other", "third")}
    settings = engine_settings(grace=0.0)
    async with open_studio(settings, models, tmp_path / "data") as studio:
        await studio.stop()  # nothing has to be painted here
        yield studio


async def submit(studio: Studio, scope: str = "here", **asked: Any) -> Job:
    request = ImageRequest(prompt="a red house", **asked)
    return await studio.submit(request, Requester(owner="ada", scope=scope))


async def test_defaults_fill_what_a_request_leaves_open(studio: Studio) -> None:
    wanted = ModelDefaults(num_inference_steps=9, guidance_scale=2.5, width=128, scheduler="euler")
    await studio.server_models.change_defaults("here", "tiny", lambda _: wanted)
    assert await studio.server_models.defaults("here", "tiny") == wanted
    recipe = (await submit(studio)).recipe
    assert (recipe.num_inference_steps, recipe.guidance_scale) == (9, 2.5)
    assert (recipe.width, recipe.height, recipe.scheduler) == (128, 64, "euler")
    recipe = (await submit(studio, num_inference_steps=3, scheduler="ddim")).recipe
    assert (recipe.num_inference_steps, recipe.scheduler, recipe.width) == (3, "ddim", 128)


async def test_they_are_of_one_server_and_one_model(studio: Studio) -> None:
    await studio.server_models.change_defaults(
        "here", "tiny", lambda _: ModelDefaults(num_inference_steps=9)
    )
    assert (await submit(studio, scope="there")).recipe.num_inference_steps == 4
    assert (await submit(studio, model="other")).recipe.num_inference_steps == 4
    await studio.server_models.change_defaults("here", "tiny", lambda _: ModelDefaults())
    assert (await submit(studio)).recipe.num_inference_steps == 4


async def test_what_the_model_cannot_paint_is_no_default(studio: Studio) -> None:
    with pytest.raises(InvalidRequest, match=r"The width is 100 pixels, but must be a multiple"):
        await studio.server_models.change_defaults(
            "here", "tiny", lambda _: ModelDefaults(width=100)
        )
    with pytest.raises(UnknownModel):
        await studio.server_models.change_defaults(
            "here", "none", lambda _: ModelDefaults(width=128)
        )
    assert await studio.server_models.defaults("here", "tiny") == ModelDefaults()


async def test_a_server_says_which_models_may_be_used(studio: Studio) -> None:
    await studio.server_models.allow("here", ["other", "third"])
    assert await studio.server_models.allowed("here") == ("other", "third")
    sentence = "“tiny” isn't allowed here. Allowed models: other, third"
    with pytest.raises(InvalidRequest, match=sentence):
        await submit(studio, model="tiny")
    with pytest.raises(InvalidRequest, match=sentence):
        await studio.use_model("tiny", "here")
    assert (await submit(studio)).recipe.model == "other", "the default one is not allowed"
    await studio.use_model("third", "here")
    assert (await submit(studio)).recipe.model == "third"
    assert (await submit(studio, scope="there", model="tiny")).recipe.model == "tiny"
    await studio.server_models.allow("here", [])
    assert await studio.server_models.allowed("here") is None
    assert (await submit(studio, model="tiny")).recipe.model == "tiny"
    with pytest.raises(UnknownModel):
        await studio.server_models.allow("here", ["none"])


async def test_when_all_allowed_models_are_gone_the_default_one_remains(
    studio: Studio, tiny_model: Path
) -> None:
    await studio.model_manager.add(
        await studio.model_manager.candidate(str(tiny_model), name="guest")
    )
    await studio.server_models.change_defaults(
        "here", "guest", lambda _: ModelDefaults(num_inference_steps=9)
    )
    await studio.server_models.allow("here", ["guest"])
    await studio.model_manager.remove("guest")
    assert await studio.server_models.allowed("here") == ("tiny",)
    assert (await submit(studio)).recipe.model == "tiny"
    assert await studio.server_models.defaults("here", "guest") == ModelDefaults()
    with pytest.raises(InvalidRequest):
        await submit(studio, model="other")
