"""What a scope and a person have decided, read once for a request and handed down as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from engine.models.catalogue import Catalogue
from engine.models.model_rules import ModelRules
from engine.moderation.block import Block
from engine.moderation.word_lists import WordLists
from engine.prompts.styles import STYLES, USER_DEFAULTS, Style, UserDefaults, styles_from_json


@dataclass(frozen=True, kw_only=True)
class RequestContext:
    """Everything in the database that a request depends on. Parsed when first needed.

    Attributes:
        scope: Where the request comes from, such as a server.
        owner: Who asks.
        preferences: What the scope has chosen, by key.
        user_preferences: What the person has chosen, by key.
        block: The person's block in the scope, if one is in force.
        catalogue: All models.
    """

    scope: str
    owner: str
    preferences: Mapping[str, str]
    user_preferences: Mapping[str, str]
    block: Block | None
    catalogue: Catalogue = field(repr=False)

    @cached_property
    def models(self) -> ModelRules:
        """The models that the scope allows and uses, and its defaults for them."""
        return ModelRules(self.catalogue, self.preferences)

    @cached_property
    def words(self) -> WordLists:
        """The words that the scope blocks or has reviewed."""
        return WordLists.from_preferences(self.preferences)

    @cached_property
    def styles(self) -> Mapping[str, Style]:
        """The styles of the scope by their names in lower case."""
        return styles_from_json(self.preferences.get(STYLES))

    @cached_property
    def user_defaults(self) -> UserDefaults:
        """The person's defaults."""
        return UserDefaults.from_json(self.user_preferences.get(USER_DEFAULTS))
