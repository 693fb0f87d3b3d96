"""`config.example.toml` is valid, and what it says of models is true."""

import re
import shutil
from pathlib import Path

from cli.settings import load_settings
from engine import Model, ModelSettings
from engine.models.checkpoints import checkpoint_of
from engine.models.schedulers import allowed_schedulers
from tests.guards.settings import COMMENTED, EXAMPLE, everything


def test_as_it_is_the_example_changes_nothing() -> None:
    shutil.copy(EXAMPLE, "config.toml")
    with_it = load_settings(None)
    Path("config.toml").unlink()
    assert with_it == load_settings(None)


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


def test_the_schedulers_of_flow_matching_are_named() -> None:
    flow = re.search(r"\(flow matching\): ([a-z0-9_, ]+)\.", EXAMPLE.read_text("utf-8"))
    assert flow is not None
    assert ("default", *flow[1].split(", ")) == allowed_schedulers("flux")
