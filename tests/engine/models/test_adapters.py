"""Which LoRAs there are, and which are meant."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import InvalidRequest
from engine.hub.pipeline_class import pipeline_class
from engine.jobs.recipe import MAX_ADAPTERS, AdapterUse
from engine.jobs.request import ImageRequest
from engine.models.adapters import AdapterCatalogue
from engine.settings import AdapterSettings, StoredAdapter
from tests.engine.builders import model


@pytest.fixture
def shelf(tmp_path: Path) -> AdapterCatalogue:
    """Two adapters from the settings, two from files."""
    for file in ("Watercolour.safetensors", "pixel.safetensors", "notes.txt"):
        (tmp_path / file).touch()
    named = {
        "Pixel": AdapterSettings(source="owner/pixel", weight=0.7, description="8-bit look"),
        "ink": AdapterSettings(source="owner/ink", trigger="inkpunk", family="sdxl"),
    }
    return AdapterCatalogue(named, tmp_path)


def test_files_are_adapters_by_name_and_the_settings_go_before_them(
    shelf: AdapterCatalogue,
) -> None:
    assert [adapter.name for adapter in shelf] == ["ink", "Pixel", "Watercolour"]
    assert shelf["PIXEL"].source == "owner/pixel"
    assert shelf["watercolour"].source.endswith("Watercolour.safetensors")


def test_a_file_that_is_put_in_the_folder_is_there_at_once(
    shelf: AdapterCatalogue, tmp_path: Path
) -> None:
    (tmp_path / "new v1.5.safetensors").touch()
    assert shelf["new v1.5"].weight == 1.0


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("watercolor", "There's no LoRA “watercolor”. Did you mean “Watercolour”?"),
        ("zzz", "There's no LoRA “zzz”."),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(
    shelf: AdapterCatalogue, name: str, sentence: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        shelf[name]
    assert str(caught.value) == sentence


def test_whoever_paints_is_not_told_the_name_of_somebodys_own(shelf: AdapterCatalogue) -> None:
    shelf.restore({"secretive": StoredAdapter(source="a/b", scope="guild:1", owner="ada")})
    for view in (shelf, shelf.seen_by("guild:1", "bob")):
        with pytest.raises(InvalidRequest, match=r"“secretiv”\.$"):
            view["secretiv"]
    with pytest.raises(InvalidRequest, match="Did you mean “secretive”"):
        shelf.seen_by("guild:1", "ada")["secretiv"]


def test_where_there_are_none_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="None have been set up here"):
        AdapterCatalogue(folder=tmp_path / "nowhere")["ink"]


def test_what_begins_like_the_typed_text_is_offered_first(tmp_path: Path) -> None:
    for i in range(40):
        (tmp_path / f"style {i:02}.safetensors").touch()
    named = {"freestyle": AdapterSettings(source="a/b", description="no style at all")}
    shelf = AdapterCatalogue(named, tmp_path)
    assert len(shelf.matching("", "sd")) == 41
    assert [a.name for a in shelf.matching("style 3", "sd")[:3]] == [
        f"style 3{i}" for i in range(3)
    ]
    assert [a.name for a in shelf.matching("STYLE", None)][-1] == "freestyle"
    assert [a.name for a in shelf.matching("at all", "sd")] == ["freestyle"]


def test_what_is_for_another_family_is_not_offered(shelf: AdapterCatalogue) -> None:
    assert [a.name for a in shelf.matching("ink", "sdxl")] == ["ink"]
    assert [a.name for a in shelf.matching("ink", "sd")] == []


@pytest.mark.parametrize(
    ("model", "offered"),
    [
        ("flux-kontext", ["swirl"]),
        ("chroma", ["swirl"]),
        ("flux2-klein", []),
        ("sdxl", []),
        (None, ["swirl"]),
    ],
)
def test_what_the_model_takes_is_offered_whatever_its_family_is_called(
    model: str | None, offered: list[str]
) -> None:
    swirl = AdapterCatalogue({"swirl": AdapterSettings(source="a/b", family="flux")})
    assert [a.name for a in swirl.matching("", model)] == offered
    if offered:
        assert swirl.chosen([("swirl", None)], model, "it") == {"swirl": 1.0}


def test_a_prompt_names_adapters_and_the_last_word_counts(shelf: AdapterCatalogue) -> None:
    asked = ImageRequest(
        prompt="a house <lora:pixel> <lora:WATERCOLOUR:0.456> <lora:ink:0>",
        adapters=(AdapterUse("watercolour", 0.9), AdapterUse("ink", 1.0)),
    )
    made = asked.resolve(model(), shelf)
    assert made.prompt == "a house"
    assert made.adapters == (AdapterUse("Watercolour", 0.46), AdapterUse("Pixel", 0.7))


def test_an_adapter_of_another_family_is_refused_before_anything_is_loaded(
    shelf: AdapterCatalogue,
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ImageRequest(prompt="a <lora:ink>").resolve(replace(model(), family="sd"), shelf)
    assert str(caught.value) == (
        "The LoRA “ink” is for Stable Diffusion XL models, but tiny is a Stable Diffusion 1/2 "
        "model."
    )


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("<lora:pixel:1>", "The prompt is empty"),
        ("a <lora:pixel:9>", "The weight of Pixel must be between -4 and 4, not 9."),
        ("a <lora:pixel:nan>", "The weight of Pixel must be between -4 and 4, not nan"),
        ("a <lora:pixl>", "Did you mean “Pixel”"),
    ],
)
def test_what_cannot_be_worn_is_refused(
    shelf: AdapterCatalogue, prompt: str, sentence: str
) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        ImageRequest(prompt=prompt).resolve(model(), shelf)


def test_there_is_a_bound_to_how_many_go_together(tmp_path: Path) -> None:
    names = [f"style{i}" for i in range(MAX_ADAPTERS + 1)]
    for name in names:
        (tmp_path / f"{name}.safetensors").touch()
    asked = ImageRequest(prompt="a " + "".join(f"<lora:{name}>" for name in names))
    with pytest.raises(InvalidRequest, match="That's 9 LoRAs; the limit is 8"):
        asked.resolve(model(), AdapterCatalogue(folder=tmp_path))


def test_a_pipeline_that_runs_whole_takes_loras_that_its_mixin_loads() -> None:
    settings = {
        "fox": AdapterSettings(source="fox.safetensors", family="sdxl"),
        "any": AdapterSettings(source="any.safetensors"),
    }
    catalogue = AdapterCatalogue(settings)

    def chosen(name: str, pipeline: str) -> dict[str, float]:
        whole = pipeline_class(pipeline)
        return catalogue.chosen([(name, None)], None, "m", whole=whole)

    assert chosen("fox", "StableDiffusionXLPAGPipeline") == {"fox": 1.0}
    assert chosen("any", "ErnieImagePipeline") == {"any": 1.0}
    with pytest.raises(
        InvalidRequest,
        match="“fox” is for Stable Diffusion XL models, but m is a ErnieImagePipeline model",
    ):
        chosen("fox", "ErnieImagePipeline")
    with pytest.raises(InvalidRequest, match="m doesn't support LoRAs"):
        chosen("any", "BriaPipeline")
    assert catalogue.chosen([], None, "m", whole=pipeline_class("BriaPipeline")) == {}
