"""Sentences for people: translated when they are made, and translatable again later."""

import json
from collections.abc import Mapping
from typing import Any, Self, TypeVar

from speech.catalogues import catalogue
from speech.languages import current_language

T = TypeVar("T")


class Sentence(str):
    """A translated text that remembers its template and values.

    Attributes:
        one: The English template; the singular where something is counted.
        many: The English template of the plural; `None` where nothing is counted.
        values: What fills the template. Sentences among them are translated with it.
    """

    one: str
    many: str | None
    values: Mapping[str, Any]

    def __new__(cls, one: str, many: str | None, values: Mapping[str, Any]) -> Self:
        """The sentence in the current language."""
        known = catalogue(current_language())
        if many is None:
            template = known.gettext(one)
        else:
            template = known.ngettext(one, many, values["number"])
        filled = {name: retranslate(value) for name, value in values.items()}
        self = super().__new__(cls, template.format(**filled))
        self.one, self.many, self.values = one, many, values
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies are made in the language that is current then."""
        return type(self), (self.one, self.many, self.values)

    def to_json(self) -> str:
        """The sentence as JSON for `load_sentence`. Values that JSON lacks become text."""
        return json.dumps(_to_json(self), ensure_ascii=False)


def say(template: str, /, **values: Any) -> Sentence:
    """`template` in the current language, filled in by `str.format`.

    The template has to be a literal, which the catalogues are made from, or a `phrase`.
    """
    return Sentence(template, None, values)


def say_many(one: str, many: str, number: int, /, **values: Any) -> Sentence:
    """Like `say`, with the plural form for `number`, which fills `{number}`."""
    return Sentence(one, many, {"number": number, **values})


def phrase(template: str) -> str:
    """`template` itself, marked for translation by a later `say`."""
    return template


def retranslate(value: T) -> T:
    """A sentence in the current language; anything else as it is."""
    if isinstance(value, Sentence):
        return type(value)(value.one, value.many, value.values)
    return value


def dump_sentence(text: str) -> str:
    """A sentence as text for `load_sentence`; other text as it is."""
    return text.to_json() if isinstance(text, Sentence) else text


def load_sentence(text: str) -> str:
    """The sentence that was dumped, in the current language; other text as it is."""
    try:
        parts = json.loads(text)
    except ValueError:
        return text
    return _from_json(parts) if _is_stored(parts) else text


def _to_json(value: Any) -> Any:
    match value:
        case Sentence():
            values = {name: _to_json(each) for name, each in value.values.items()}
            return {"one": value.one, "many": value.many, "values": values}
        case str() | bool() | int() | float() | None:
            return value
        case _:
            return str(value)


def _is_stored(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"one", "many", "values"}


def _from_json(value: Any) -> Any:
    if not _is_stored(value):
        return value
    values = {name: _from_json(each) for name, each in value["values"].items()}
    return Sentence(value["one"], value["many"], values)
