"""The truth table: whatever it says of a model can be painted, shown and configured."""

import re
from dataclasses import replace

import pytest

from engine.errors import InvalidRequest
from engine.jobs.request import ImageRequest
from engine.models.checkpoints import ALIASES, CHECKPOINTS, checkpoint_of
from engine.models.families import FAMILIES
from engine.models.model import Model
from engine.models.schedulers import SCHEDULERS
from engine.settings import ModelSettings

MODELS = [Model.of("new", ModelSettings(source=source)) for source in CHECKPOINTS]


def test_every_entry_makes_a_model_whose_sizes_can_all_be_painted() -> None:
    wrong = {model.source: found for model in MODELS if (found := unpaintable(model))}
    assert not wrong


def unpaintable(model: Model) -> str | None:
    """What is wrong with the sizes of a model."""
    asked = ImageRequest(prompt="a house", references=("shown",) if edits_only(model) else ())
    made = asked.resolve(model)
    if (made.width, made.height) != (model.width, model.height):
        return f"its own size comes out as {made.width}x{made.height}"
    if len(model.sizes) != 7:
        return "ratios are missing"
    for size in model.sizes:
        try:
            replace(asked, width=size.width, height=size.height).resolve(model)
        except InvalidRequest as error:
            return str(error)
    return None


def edits_only(model: Model) -> bool:
    return model.family is not None and FAMILIES[model.family].edits_only


def test_every_entry_can_be_written_into_the_settings() -> None:
    """What the settings would refuse from an owner is not in the table either."""
    changed = [
        model.source
        for model in MODELS
        if Model.of("new", ModelSettings.model_validate(settings_of(model))) != model
    ]
    assert not changed
    assert not [source for source in CHECKPOINTS if not re.fullmatch(r"[\w.-]+/[\w.-]+", source)]


def settings_of(model: Model) -> dict[str, object]:
    """The values of a model, as they stand in the settings."""
    return {key: getattr(model, key) for key in ModelSettings.model_fields}


def test_every_entry_tells_what_people_want_to_know() -> None:
    wrong = {model.source: found for model in MODELS if (found := untold(model))}
    assert not wrong


def untold(model: Model) -> list[str]:
    """Which facts about a model are missing, or cannot be true."""
    facts = {
        "family": model.family in FAMILIES or model.whole is not None,
        "scheduler": model.scheduler in SCHEDULERS,
        "description": bool(model.description),
        "licence": model.licence is not None and model.licence.name and model.licence.note,
        "download": model.download_bytes is None or 1e9 < model.download_bytes < 1e11,
    }
    return [name for name, known in facts.items() if not known]


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
        ("Qwen/Qwen-Image-2.1-Turbo", 8, 1.0),
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
