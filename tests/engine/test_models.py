"""The catalogue: names that exist, names that nearly do, and sizes on offer."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from engine.errors import UnknownModel
from engine.models import SKETCH, Catalogue
from engine.requests import ImageRequest
from engine.settings import ModelSettings
from tests.engine.making import model, model_settings


@pytest.fixture
def catalogue() -> Catalogue:
    models = {name: model_settings("x") for name in ("sd-1.5", "dreamshaper")}
    return Catalogue(models, "sd-1.5")


def test_the_built_in_model_is_always_there(catalogue: Catalogue) -> None:
    assert [entry.name for entry in catalogue] == ["sketch", "sd-1.5", "dreamshaper"]
    assert len(catalogue) == 3
    assert catalogue["sketch"] is SKETCH
    assert len(Catalogue({}, "sketch")) == 1


def test_a_name_with_a_slip_is_answered_with_the_nearest(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownModel) as caught:
        catalogue["dreamshapr"]
    assert str(caught.value) == (
        "There is no model “dreamshapr”. Did you mean “dreamshaper”? "
        "Known: sketch, sd-1.5, dreamshaper."
    )


def test_a_name_like_no_other_is_answered_with_those_that_are(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownModel, match=r"no model “zzz”\. Known: sketch"):
        catalogue["zzz"]


def test_a_default_that_is_not_configured_is_found_at_once() -> None:
    with pytest.raises(UnknownModel, match="Did you mean “tiny”"):
        Catalogue({"tiny": model_settings("x")}, "tine")


def test_a_choice_that_is_gone_falls_back_to_the_default(catalogue: Catalogue) -> None:
    assert catalogue.find("dreamshaper").name == "dreamshaper"
    assert catalogue.find("gone").name == "sd-1.5"
    assert catalogue.find(None).name == "sd-1.5"


@pytest.mark.parametrize(
    "entry",
    [SKETCH, model("x"), model("x", width=192, height=192, multiple_of=64)],
    ids=["sketch", "tiny", "coarse"],
)
def test_every_size_on_offer_can_be_painted(entry: object) -> None:
    from engine.models import Model

    assert isinstance(entry, Model)
    sizes = entry.sizes
    assert len({(size.width, size.height) for size in sizes}) == len(sizes), "none twice"
    assert (sizes[0].width, sizes[0].height) == (entry.width, entry.height)
    for size in sizes:
        ImageRequest(prompt="a house", width=size.width, height=size.height).resolve(entry)


def test_the_defaults_of_the_settings_can_be_painted() -> None:
    from engine.models import Model

    settings = ModelSettings(source="somewhere/something")
    ImageRequest(prompt="a house").resolve(Model(name="new", **settings.model_dump()))


def test_a_setting_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        ModelSettings.model_validate({"source": "x", "stpes": 20})
    with pytest.raises(ValidationError, match="scheduler"):
        ModelSettings.model_validate({"source": "x", "scheduler": "magic"})


def test_the_built_in_model_is_in_the_package() -> None:
    assert Path(SKETCH.source).parent.name == "engine"
