"""What the readers of the programs look at: the texts of a file, and the JSON objects in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from engine.images.metadata.values import Json, json_object

MAIN = ("parameters", "UserComment", "Comment", "ImageDescription", "XPComment", "generation_data")
"""The keywords of the texts that hold all settings, the likeliest first."""


@dataclass(frozen=True)
class Sources:
    """The texts by keyword."""

    texts: Mapping[str, str]

    @cached_property
    def objects(self) -> tuple[Json, ...]:
        """The JSON objects among the main texts."""
        found = (json_object(self.texts.get(name, "")) for name in MAIN)
        return tuple(each for each in found if each is not None)

    def json(self, keyword: str) -> Json | None:
        """The JSON object that the text of that keyword is."""
        return json_object(self.texts.get(keyword, ""))

    def says(self, keyword: str, word: str) -> bool:
        """Whether the text of that keyword mentions a word."""
        return word.lower() in self.texts.get(keyword, "")[:1000].lower()
