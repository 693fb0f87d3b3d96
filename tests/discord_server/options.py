"""Filling in a slash command the way the client lets a person do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import message_payloads, payloads
from .command_rules import (
    ATTACHMENT,
    BOOLEAN,
    CHANNEL,
    INTEGER,
    MENTIONABLE,
    NUMBER,
    ROLE,
    SAFE,
    STRING,
    USER,
)
from .errors import ClientRefuses, Json
from .permissions import in_channel
from .uploads import Upload

if TYPE_CHECKING:
    from .guilds import Channel
    from .world import World


class Filling:
    """The options of one use, with the objects they point to (`resolved`)."""

    def __init__(self, world: World, channel: Channel) -> None:
        self.world = world
        self.channel = channel
        self.resolved: Json = {}

    def fill(self, specs: Sequence[Json], given: Mapping[str, Any]) -> list[Json]:
        """Payloads for what was given; required ones must be, unknown ones cannot be."""
        unknown = set(given) - {spec["name"] for spec in specs}
        if unknown:
            raise ClientRefuses(f"there is no option {sorted(unknown)}")
        missing = [
            spec["name"] for spec in specs if spec.get("required") and spec["name"] not in given
        ]
        if missing:
            raise ClientRefuses(f"the options {missing} are required")
        return self.some(specs, given)

    def some(self, specs: Sequence[Json], given: Mapping[str, Any]) -> list[Json]:
        """Payloads for what was given so far, as during autocomplete."""
        return [
            {
                "name": spec["name"],
                "type": spec["type"],
                "value": self._value(spec, given[spec["name"]]),
            }
            for spec in specs
            if spec["name"] in given
        ]

    def _value(self, spec: Json, value: Any) -> Any:
        kind, name = spec["type"], spec["name"]
        if spec.get("choices"):
            return _choice(spec, value)
        if kind == STRING:
            return _string(spec, value)
        if kind in (INTEGER, NUMBER):
            return _number(spec, value)
        if kind == BOOLEAN:
            if not isinstance(value, bool):
                raise ClientRefuses(f"{name} is true or false, not {value!r}")
            return value
        return self.point_to(kind, name, value, spec.get("channel_types"))

    def point_to(self, kind: int, name: str, value: Any, channel_types: Any = None) -> str:
        """A user, role, channel or file: its id, with the object put in `resolved`."""
        if kind == ATTACHMENT and isinstance(value, Upload):
            file = self.world.add_file(self.channel, value.filename, value.data)
            self._resolve("attachments", file.id, message_payloads.attachment(file, ephemeral=True))
            return str(file.id)
        if kind in (USER, MENTIONABLE) and hasattr(value, "user"):
            self._resolve("users", value.user.id, payloads.user(value.user))
            if self.channel.guild is not None:
                member = payloads.member(value, self.channel, with_user=False)
                self._resolve("members", value.user.id, member)
            return str(value.user.id)
        if kind in (ROLE, MENTIONABLE) and hasattr(value, "position"):
            self._resolve("roles", value.id, payloads.role(value))
            return str(value.id)
        if kind == CHANNEL and hasattr(value, "history"):
            data = payloads.channel(value)
            if channel_types and data["type"] not in channel_types:
                raise ClientRefuses(f"{name} does not take channels like {value.name}")
            bot = value.guild.bot if value.guild else None
            data["permissions"] = str(in_channel(value, bot).value)
            self._resolve("channels", value.id, data)
            return str(value.id)
        raise ClientRefuses(f"{name} does not take {value!r}")

    def _resolve(self, where: str, id_: int, data: Json) -> None:
        self.resolved.setdefault(where, {})[str(id_)] = data


def _choice(spec: Json, value: Any) -> Any:
    for choice in spec["choices"]:
        if value in (choice["value"], choice["name"]):
            return choice["value"]
    names = [choice["name"] for choice in spec["choices"]]
    raise ClientRefuses(f"{spec['name']} is one of {names}, not {value!r}")


def _string(spec: Json, value: Any) -> str:
    if not isinstance(value, str):
        raise ClientRefuses(f"{spec['name']} is a text, not {value!r}")
    low, high = spec.get("min_length") or 0, spec.get("max_length") or 6000
    if not low <= len(value) <= high:
        raise ClientRefuses(f"{spec['name']} has {low} to {high} characters, not {len(value)}")
    return value


def _number(spec: Json, value: Any) -> int | float:
    whole = spec["type"] == INTEGER
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise ClientRefuses(f"{spec['name']} is a number, not {value!r}")
    low, high = spec.get("min_value"), spec.get("max_value")
    low, high = -SAFE if low is None else low, SAFE if high is None else high
    if not low <= value <= high:
        raise ClientRefuses(f"{spec['name']} is from {low} to {high}, not {value}")
    assert isinstance(value, int | float)
    return value
