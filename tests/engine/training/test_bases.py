"""Only undistilled models of families that are trained can be trained on; others name one."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import InvalidRequest
from engine.memory.components import Component, Role
from engine.memory.plan import Quantization
from engine.models.checkpoints import CHECKPOINTS
from engine.models.families import FAMILIES
from engine.models.inspection import Inspection
from engine.training.bases import (
    DISTILLED_STEPS,
    TRAINABLE,
    base_of,
    require_encoders,
    require_trainable,
)
from engine.training.defaults import DEFAULTS
from tests.engine import builders as making

LISTED = {name: entry for name, entry in CHECKPOINTS.items() if entry.family in TRAINABLE}

DISTILLED = {
    name: entry
    for name, entry in LISTED.items()
    if entry.num_inference_steps is not None and entry.num_inference_steps <= DISTILLED_STEPS
}


def inspection(family: str | None, stored_as: Quantization | None = None) -> Inspection:
    denoiser = Component(
        name="transformer",
        role=Role.DENOISER,
        class_name="FluxTransformer2DModel",
        parameters=10,
        stored_bytes=20,
        largest_block=1,
        stored_as=stored_as,
    )
    return Inspection(pipeline="FluxPipeline", family=family, components=(denoiser,))


@pytest.mark.parametrize("source", sorted(LISTED.keys() - DISTILLED.keys()))
def test_an_undistilled_model_can_be_trained_on(source: str) -> None:
    model = making.model(source.upper(), scheduler="default")
    require_trainable(model, inspection(LISTED[source].family))
    assert base_of(model) == source


def test_only_clip_is_trained_among_text_encoders() -> None:
    require_encoders(replace(making.model("somebody/model"), family="sdxl"))
    with pytest.raises(InvalidRequest, match="The text encoders of tiny aren't trained"):
        require_encoders(replace(making.model("somebody/model"), family="flux"))


@pytest.mark.parametrize("source", DISTILLED)
def test_a_distilled_model_names_an_undistilled_one_of_its_size(source: str) -> None:
    with pytest.raises(InvalidRequest, match="tiny is distilled") as refused:
        require_trainable(
            making.model(source, scheduler="default"), inspection(LISTED[source].family)
        )
    [base] = [name for name in LISTED if f"Train on {name}:" in str(refused.value)]
    assert base not in DISTILLED
    assert LISTED[base].family == LISTED[source].family
    assert ("9B" in base) == ("9B" in source)
    assert ("2-1" in base) == (source == "stabilityai/sd-turbo"), "its text encoder is wider"


@pytest.mark.parametrize("family", [None, *sorted(FAMILIES.keys() - set(TRAINABLE))])
def test_a_model_of_another_family_names_those_that_can_be(family: str | None) -> None:
    with pytest.raises(InvalidRequest, match="Choose a model of Stable Diffusion 1/2, Stable"):
        require_trainable(making.model(), inspection(family))


@pytest.mark.parametrize(
    ("source", "base"),
    [
        ("nowhere/of-ours", "black-forest-labs/FLUX.2-klein-base-4B"),
        ("black-forest-labs/FLUX.2-klein-base-9B", "black-forest-labs/FLUX.2-klein-base-9B"),
    ],
)
def test_a_model_in_fewer_bits_names_the_whole_one(source: str, base: str) -> None:
    with pytest.raises(InvalidRequest, match=f"stored in fewer bits.* Train on {base}:"):
        require_trainable(
            making.model(source, scheduler="default"), inspection("flux2-klein", Quantization.GGUF)
        )


def test_a_folder_of_the_owners_own_is_not_taken_for_a_hub_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its path would end up in the file that is published."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "mine").mkdir(parents=True)
    assert base_of(making.model("models/mine")) is None
    assert base_of(making.model(tmp_path / "models" / "mine")) is None
    assert base_of(making.model("somebody/theirs")) == "somebody/theirs"
    assert base_of(making.model("somebody/theirs/model.safetensors")) == "somebody/theirs"


def test_every_family_that_is_trained_has_defaults() -> None:
    assert DEFAULTS.keys() == set(TRAINABLE)
    for family, usual in DEFAULTS.items():
        assert usual.side % FAMILIES[family].multiple_of == 0
