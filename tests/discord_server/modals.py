"""A modal in front of a person, and what they type into it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import ClientRefuses, Json
from .messages import walk
from .modal_rules import CHECKBOX, CHECKBOX_GROUP, FIELDS, FILE_UPLOAD, RADIO, TEXT_INPUT
from .options import Filling

if TYPE_CHECKING:
    from .interactions import Interaction

RESOLVED_KINDS = {5: 6, 6: 8, 7: 9, 8: 7}
"""Which kind of option a select for users, roles, mentionables and channels points to."""


@dataclass(eq=False)
class Modal:
    """A modal the bot opened for one person."""

    interaction: Interaction
    data: Json
    submitted: bool = False

    @classmethod
    def opened(cls, interaction: Interaction, data: Json) -> Modal:
        """The modal as the person's client gets it: every component numbered."""
        data = copy.deepcopy(data)
        for number, part in enumerate(walk(data["components"]), 1):
            part["id"] = part.get("id") or number
        return cls(interaction, data)

    @property
    def title(self) -> str:
        """What it says on top."""
        return str(self.data["title"])

    @property
    def fields(self) -> list[Json]:
        """Its fields, as Discord describes them."""
        return [part for part in walk(self.data["components"]) if part["type"] in FIELDS]

    def labels(self) -> dict[str, Json]:
        """Its fields by what a person reads next to them."""
        labels: dict[str, Json] = {}
        for part in self.data["components"]:
            if part["type"] == 18:
                labels[part["label"]] = part["component"]
            elif part["type"] == 1:
                labels[part["components"][0]["label"]] = part["components"][0]
        return labels

    def prefilled(self) -> dict[str, str]:
        """What its text fields already say, by label."""
        return {
            label: field["value"] for label, field in self.labels().items() if field.get("value")
        }

    def fill(self, given: Mapping[str, Any], filling: Filling) -> list[Json]:
        """The components of the submit, with every field's value, as the client sends them."""
        known = self.labels()
        values: dict[str, Any] = {}
        for name, value in given.items():
            field = known.get(name)
            matches = [each for each in self.fields if each["custom_id"] == name]
            if field is None and not matches:
                raise ClientRefuses(f"the modal has no field {name!r}; it has {sorted(known)}")
            values[(field or matches[0])["custom_id"]] = value
        return [self._part(part, values, filling) for part in self.data["components"]]

    def _part(self, part: Json, values: Mapping[str, Any], filling: Filling) -> Json:
        place: Json = {"type": part["type"], "id": part["id"]}
        if part["type"] == 1:
            place["components"] = [
                answer(field, values.get(field["custom_id"]), filling)
                for field in part["components"]
            ]
        elif part["type"] == 18:
            field = part["component"]
            place["component"] = answer(field, values.get(field["custom_id"]), filling)
        return place


def answer(field: Json, value: Any, filling: Filling) -> Json:
    """One field's part of the submit; refuses what the client would not send."""
    kind = field["type"]
    sent: Json = {"type": kind, "id": field["id"], "custom_id": field["custom_id"]}
    if kind == TEXT_INPUT:
        return sent | {"value": _typed(field, value)}
    if kind == CHECKBOX:
        return sent | {"value": bool(field.get("default") if value is None else value)}
    if kind == RADIO:
        picked = _picked(field, [] if value is None else [value])
        return sent | {"value": picked[0] if picked else None}
    many = [] if value is None else list(value) if isinstance(value, list | tuple) else [value]
    if kind in (3, CHECKBOX_GROUP):
        return sent | {"values": _picked(field, many)}
    option_kind = 11 if kind == FILE_UPLOAD else RESOLVED_KINDS[kind]
    _check_count(field, len(many))
    return sent | {
        "values": [filling.point_to(option_kind, field["custom_id"], each) for each in many]
    }


def _typed(field: Json, value: Any) -> str:
    text = str(field.get("value") or "") if value is None else value
    if not isinstance(text, str):
        raise ClientRefuses(f"a text field does not take {value!r}")
    if not text and field.get("required", True):
        raise ClientRefuses(f"the field {field['custom_id']!r} is required")
    low, high = field.get("min_length") or 0, field.get("max_length") or 4000
    if text and not low <= len(text) <= high:
        raise ClientRefuses(f"the field takes {low} to {high} characters, not {len(text)}")
    return text


def _picked(field: Json, wanted: list[Any]) -> list[str]:
    options = field["options"]
    if not wanted:
        wanted = [option["value"] for option in options if option.get("default")]
    values = []
    for want in wanted:
        found = [each["value"] for each in options if want in (each["value"], each["label"])]
        if not found:
            raise ClientRefuses(f"{want!r} is not among {[each['label'] for each in options]}")
        values.append(str(found[0]))
    _check_count(field, len(values))
    return values


def _check_count(field: Json, picked: int) -> None:
    required = field.get("required", True)
    low = field.get("min_values")
    low = 1 if low is None else low
    high = field.get("max_values") or (len(field["options"]) if field["type"] == 22 else 1)
    if not picked and not required:
        return
    if not low <= picked <= high:
        raise ClientRefuses(f"{low} to {high} must be picked, not {picked}")
