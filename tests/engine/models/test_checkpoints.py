"""The truth table: whatever it says of a model can be painted, shown and configured."""

import re

import pytest

from engine.jobs.request import ImageRequest
from engine.models.catalogue import Model
from engine.models.checkpoints import ALIASES, CHECKPOINTS, checkpoint_of
from engine.models.families import FAMILIES
from engine.models.schedulers import SCHEDULERS
from engine.settings import ModelSettings


@pytest.mark.parametrize("source", CHECKPOINTS)
def test_every_entry_makes_a_model_whose_sizes_can_all_be_painted(source: str) -> None:
    model = Model.of("new", ModelSettings(source=source))
    made = ImageRequest(prompt="a house").resolve(model)
    assert (made.width, made.height) == (model.width, model.height)
    assert len(model.sizes) == 7, "all the ratios"
    for size in model.sizes:
        ImageRequest(prompt="a house", width=size.width, height=size.height).resolve(model)


@pytest.mark.parametrize("source", CHECKPOINTS)
def test_every_entry_can_be_written_into_the_settings(source: str) -> None:
    """What the settings would refuse from an owner is not in the table either."""
    model = Model.of("new", ModelSettings(source=source))
    values = {key: getattr(model, key) for key in ModelSettings.model_fields}
    assert Model.of("new", ModelSettings.model_validate(values)) == model
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", source)


@pytest.mark.parametrize(("source", "checkpoint"), CHECKPOINTS.items())
def test_every_entry_tells_what_people_want_to_know(source: str, checkpoint: object) -> None:
    model = Model.of("new", ModelSettings(source=source))
    assert model.family in FAMILIES
    assert model.scheduler in SCHEDULERS
    assert model.description
    assert model.licence is not None
    assert model.licence.name
    assert model.licence.note
    assert model.download_bytes is None or 1e9 < model.download_bytes < 1e11


@pytest.mark.parametrize(
    ("source", "steps", "guidance"),
    [
        ("stabilityai/sd-turbo", 4, 0.0),
        ("stabilityai/sdxl-turbo", 4, 0.0),
        ("SimianLuo/LCM_Dreamshaper_v7", 8, 8.0),
        ("Lykon/dreamshaper-xl-lightning", 4, 2.0),
        ("stabilityai/stable-diffusion-3.5-large-turbo", 4, 0.0),
        ("black-forest-labs/FLUX.1-schnell", 4, 0.0),
        ("black-forest-labs/FLUX.2-klein-4B", 4, 1.0),
        ("black-forest-labs/FLUX.2-klein-9B", 4, 1.0),
        ("Tongyi-MAI/Z-Image-Turbo", 9, 0.0),
    ],
)
def test_what_is_distilled_is_not_painted_as_slowly_as_its_pipeline_would(
    source: str, steps: int, guidance: float
) -> None:
    model = Model.of("fast", ModelSettings(source=source))
    facts = FAMILIES[str(model.family)]
    assert model.num_inference_steps <= steps
    assert model.num_inference_steps * 3 <= facts.num_inference_steps
    assert model.guidance_scale == guidance


def test_ids_are_found_whatever_their_case_and_after_a_move() -> None:
    assert checkpoint_of("QWEN/qwen-image") is CHECKPOINTS["Qwen/Qwen-Image"]
    assert checkpoint_of("someone/else") is None
    for old, new in ALIASES.items():
        assert checkpoint_of(old) is CHECKPOINTS[new]
    lowered = {source.lower() for source in (*CHECKPOINTS, *ALIASES)}
    assert len(lowered) == len(CHECKPOINTS) + len(ALIASES)
