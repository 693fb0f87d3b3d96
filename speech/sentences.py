"""Sentences: text in the language spoken when it was said, that can be said again in another."""

import json
from collections.abc import Mapping
from typing import Any, Self, TypeVar

from speech.catalogues import catalogue
from speech.languages import spoken

T = TypeVar("T")


class Sentence(str):
    """Text for people that knows what it is made of.

    Attributes:
        one: The English template.
        many: The English template for a number that is not one; `None` where nothing is counted.
        values: What fills the template. Sentences among them are said again with it.
    """

    one: str
    many: str | None
    values: Mapping[str, Any]

    def __new__(cls, one: str, many: str | None, values: Mapping[str, Any]) -> Self:
        """The sentence in the language spoken now."""
        known = catalogue(spoken())
        if many is None:
            template = known.gettext(one)
        else:
            template = known.ngettext(one, many, values["number"])
        filled = {name: resaid(value) for name, value in values.items()}
        self = super().__new__(cls, template.format(**filled))
        self.one, self.many, self.values = one, many, values
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """What a copy is made from, in the language spoken then."""
        return type(self), (self.one, self.many, self.values)

    def kept(self) -> str:
        """The sentence as JSON, for `recalled`. Values that are no JSON are kept as their text."""
        return json.dumps(_plain(self), ensure_ascii=False)


def say(template: str, /, **values: Any) -> Sentence:
    """`template`, filled in as by `str.format`, in the language spoken now.

    The template is a literal, so that it is found for the catalogues; else it was a `phrase`.
    """
    return Sentence(template, None, values)


def say_many(one: str, many: str, number: int, /, **values: Any) -> Sentence:
    """Like `say`, in the form that `number` takes in the language; it fills `{number}`."""
    return Sentence(one, many, {"number": number, **values})


def phrase(template: str) -> str:
    """`template` as it is, marked for the catalogues; it is said later."""
    return template


def resaid(value: T) -> T:
    """A sentence, in the language spoken now; anything else as it is."""
    if isinstance(value, Sentence):
        return type(value)(value.one, value.many, value.values)
    return value


def recalled(text: str) -> str:
    """What was kept, in the language spoken now; text that was never a sentence stays as it is."""
    try:
        parts = json.loads(text)
    except ValueError:
        return text
    return _rebuilt(parts) if _is_kept(parts) else text


def _plain(value: Any) -> Any:
    match value:
        case Sentence():
            values = {name: _plain(each) for name, each in value.values.items()}
            return {"one": value.one, "many": value.many, "values": values}
        case str() | bool() | int() | float() | None:
            return value
        case _:
            return str(value)


def _is_kept(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"one", "many", "values"}


def _rebuilt(value: Any) -> Any:
    if not _is_kept(value):
        return value
    values = {name: _rebuilt(each) for name, each in value["values"].items()}
    return Sentence(value["one"], value["many"], values)
