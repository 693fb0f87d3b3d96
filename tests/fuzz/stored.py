"""What is read back: JSON in the database, and the custom IDs of buttons and menus."""

import json
import pkgutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

from discord import SelectOption, ui
from hypothesis import strategies as st

import cogs
from cogs.message_ref import MessageRef
from cogs.messages.dynamic_items import Persistent
from cogs.models.pending_models import PendingModel
from cogs.requests.pending_confirmations import PendingConfirmation
from cogs.stored_values import stored_values
from engine.jobs.recipe import Recipe
from engine.jobs.request import ImageRequest
from engine.moderation.word_lists import WordLists
from engine.prompts.styles import UserDefaults, styles_from_json
from tests.engine.builders import recipe
from tests.fuzz.files import JSON
from tests.fuzz.target import Target

LISTS: Mapping[str, Callable[[Any], Any]] = {
    "question": PendingConfirmation.from_json,
    "model": PendingModel.from_json,
    "message": MessageRef.from_json,
    "request": ImageRequest.from_json,
    "recipe": Recipe.from_json,
}
"""Values of which those that can't be read are left out."""

RECIPE = recipe().to_json()

RECIPES = st.dictionaries(st.sampled_from([*RECIPE]), JSON, max_size=4).map(
    lambda changes: RECIPE | changes
)

STORED = st.text(max_size=20) | (JSON | st.lists(JSON | RECIPES, max_size=4)).map(json.dumps)


def check_stored(text: str) -> None:
    """What can be read is read, and nothing is raised."""
    for what, read in LISTS.items():
        stored_values(text, read, what)
    styles_from_json(text)
    UserDefaults.from_json(text)
    WordLists.from_preferences({"blocked_words": text, "reviewed_words": text})


def check_recipe(value: Mapping[str, Any]) -> None:
    """It is a recipe that is stored as it was read, or a documented error."""
    with suppress(ValueError, TypeError):
        read = Recipe.from_json(dict(value))
        assert Recipe.from_json(json.loads(json.dumps(read.to_json()))) == read


def _items() -> list[type[Any]]:
    """All buttons and menus that outlive a restart."""
    for module in pkgutil.walk_packages(cogs.__path__, "cogs."):
        import_module(module.name)
    return sorted(
        (each for each in Persistent.__subclasses__() if issubclass(each, ui.DynamicItem)),
        key=lambda each: each.__name__,
    )


@st.composite
def custom_ids(draw: st.DrawFn) -> tuple[type[Any], str]:
    """A kind of button or menu, and an ID that it may have."""
    item = draw(st.sampled_from(_items()))
    return item, draw(st.from_regex(item.__discord_ui_compiled_template__, fullmatch=True))


def check_custom_id(item_and_id: tuple[type[Any], str]) -> None:
    """The item of an ID has an ID that means the same; unknown verbs are said to be unknown."""
    item, custom_id = item_and_id
    with suppress(KeyError):
        written = _rebuilt(item, custom_id)
        assert _rebuilt(item, written) == written


def _rebuilt(item: type[Any], custom_id: str) -> str:
    """The ID of the item that an ID stands for."""
    match = item.__discord_ui_compiled_template__.fullmatch(custom_id)
    assert match is not None
    menu: ui.Select[Any] = ui.Select(custom_id=custom_id, options=[SelectOption(label="1")])
    shown = menu if item.__name__.endswith(("Menu", "Select")) else ui.Button()
    rebuilt: str = item.rebuilt(match, shown).custom_id
    return rebuilt


TARGETS = (
    Target("stored JSON", STORED, check_stored),
    Target("stored recipes", RECIPES, check_recipe),
    Target("custom IDs", custom_ids(), check_custom_id),
)
