"""The screen of one person: the names and times that their client puts in for ids."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .client_words import ENGLISH, LANGUAGES, Words
from .errors import Json

if TYPE_CHECKING:
    from .people import Person

SPANS = (365 * 86400, 30 * 86400, 86400, 3600, 60, 1)
"""Seconds in a year, a month, a day, an hour, a minute, a second."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What `reader` sees at the moment `now`."""

    reader: Person
    now: datetime

    @property
    def words(self) -> Words:
        """The language of the client."""
        return LANGUAGES.get(self.reader.locale, ENGLISH)

    def user(self, id_: int) -> str:
        """What a mention of a person says."""
        user = self.reader.world.users.get(id_)
        return f"@{user.name}" if user else "@unknown-user"

    def role(self, id_: int) -> str:
        """What a mention of a role says."""
        role = self.reader.guild.roles.get(id_)
        return f"@{role.name.removeprefix('@')}" if role else "@deleted-role"

    def channel(self, id_: int) -> str:
        """What a mention of a channel says."""
        channel = self.reader.world.channels.get(id_)
        return f"#{channel.name}" if channel else "#unknown"

    def command(self, name: str) -> str:
        """A command as the client writes it: in its language, if the bot has named it there."""
        commands = self.reader.world.commands
        level = [*commands.get(self.reader.guild.id, []), *commands.get(None, [])]
        said = []
        for word in name.removeprefix("/").split():
            [found] = [each for each in level if each["name"] == word][:1] or [{"name": word}]
            said.append(_localised(found, self.reader.locale))
            level = found.get("options") or []
        return "/" + " ".join(said)

    def moment(self, at: datetime, style: str) -> str:
        """A timestamp in one of Discord's styles (`t T d D f F R`), in UTC."""
        words = self.words
        clock, day = at.strftime(words.clock), at.strftime(words.long_date)
        match style:
            case "R":
                return self._from_now((at - self.now).total_seconds())
            case "t":
                return clock
            case "T":
                return at.strftime(f"{words.clock}:%S")
            case "d":
                return at.strftime(words.date)
            case "D":
                return day
            case "F":
                return f"{at.strftime('%A')}, {day}{words.between}{clock}"
            case _:
                return f"{day}{words.between}{clock}"

    def _from_now(self, seconds: float) -> str:
        distance = abs(round(seconds))
        span, unit = next(
            (pair for pair in zip(SPANS, self.words.units, strict=True) if distance >= pair[0]),
            (1, self.words.units[-1]),
        )
        number = round(distance / span)
        said = unit.format(number, s="" if number == 1 else "s")
        return (self.words.ahead if seconds > 0 else self.words.ago).format(said)


def at_epoch(seconds: int) -> datetime:
    """The moment that a timestamp names."""
    return datetime.fromtimestamp(seconds, UTC)


def _localised(command: Json, locale: str) -> str:
    return str((command.get("name_localizations") or {}).get(locale, command["name"]))
