"""`config.example.toml` says exactly what there is, with the defaults that hold."""

import itertools
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from cli.settings import Settings, load_settings
from cogs.discord_settings import DiscordSettings, LimitSettings, RoleLimits
from engine import (
    AdapterSettings,
    EngineSettings,
    Model,
    ModelSettings,
    SafetySettings,
    StorageSettings,
)
from engine.models.checkpoints import checkpoint_of
from engine.models.schedulers import SCHEDULERS, allowed_schedulers
from engine.settings import Section

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
COMMENTED = re.compile(r"^#(?=\[|\w+ = )", re.MULTILINE)

SECTIONS = {
    "discord": DiscordSettings,
    "storage": StorageSettings,
    "limits": LimitSettings,
    "safety": SafetySettings,
    "engine": EngineSettings,
}


def everything() -> dict[str, Any]:
    """The example with its commented settings put in force."""
    return tomllib.loads(COMMENTED.sub("", EXAMPLE.read_text("utf-8")))


def defaults(section: type[Section]) -> dict[str, Any]:
    """The keys of a section that have a default worth writing down."""
    values = {key: field.default for key, field in section.model_fields.items()}
    return {
        key: str(value) if isinstance(value, Path) else value
        for key, value in values.items()
        if value not in (None, PydanticUndefined, "")
    }


def test_as_it_is_the_example_changes_nothing() -> None:
    shutil.copy(EXAMPLE, "config.toml")
    with_it = load_settings(None)
    Path("config.toml").unlink()
    assert with_it == load_settings(None)


def test_every_section_is_there() -> None:
    assert everything().keys() == Settings.model_fields.keys()


@pytest.mark.parametrize(("name", "section"), SECTIONS.items())
def test_a_section_has_every_key_and_no_other(name: str, section: type[Section]) -> None:
    assert everything()[name].keys() == section.model_fields.keys()


@pytest.mark.parametrize(("name", "section"), SECTIONS.items())
def test_a_section_states_the_real_defaults(name: str, section: type[Section]) -> None:
    stated = tomllib.loads(EXAMPLE.read_text("utf-8"))[name]
    real = {key: value for key, value in defaults(section).items() if key != "roles"}
    assert {key: tuple(x) if isinstance(x, list) else x for key, x in stated.items()} == real


def test_roles_models_and_adapters_show_every_key() -> None:
    example = everything()
    (role,) = example["limits"]["roles"].values()
    assert role.keys() == RoleLimits.model_fields.keys()
    first = next(iter(example["models"].values()))
    assert first.keys() == ModelSettings.model_fields.keys()
    (adapter,) = example["adapters"].values()
    assert adapter.keys() == AdapterSettings.model_fields.keys()
    assert adapter["weight"] == AdapterSettings.model_fields["weight"].default


def test_with_everything_in_force_the_example_is_valid(workplace: Path) -> None:
    file = workplace / "all.toml"
    file.write_text(COMMENTED.sub("", EXAMPLE.read_text("utf-8")), "utf-8")
    settings = load_settings(file)
    assert {"stable-diffusion", "lcm-dreamshaper", "flux"} <= settings.models.keys()


def test_the_first_model_states_what_holds_without_saying_so() -> None:
    stated = next(iter(everything()["models"].values()))
    known = Model.of("stable-diffusion", ModelSettings(source=stated["source"]))
    own = ("revision", "denoiser", "offload", "quantize", "quantize_text_encoder")
    for key in stated.keys() - set(own):
        assert getattr(known, key) == stated[key], key


def test_every_model_on_offer_is_known_and_there_is_one_for_each_size_of_card() -> None:
    for name, entry in everything()["models"].items():
        assert checkpoint_of(entry["source"]), name
    cards = re.findall(r"^# (\d+) GB: ", EXAMPLE.read_text("utf-8"), re.MULTILINE)
    assert set(cards) == {"6", "8", "12", "16", "24"}


def test_every_scheduler_is_named() -> None:
    text = EXAMPLE.read_text("utf-8")
    for name in SCHEDULERS:
        assert re.search(rf"[ \"]{name}\b", text), name
    flow = re.search(r"\(flow matching\): ([a-z0-9_, ]+)\.", text)
    assert flow is not None
    assert ("default", *flow[1].split(", ")) == allowed_schedulers("flux")


def test_every_key_has_a_line_on_why() -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    for before, line in itertools.pairwise(lines):
        if re.match(r"\w+ = ", line):
            assert before.startswith("# "), f"nothing is said about {line}"
