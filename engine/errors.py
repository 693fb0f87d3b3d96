"""What can go wrong, in sentences that a member of a Discord server understands.

    AtelierError
    ├── InvalidRequest     what was asked for cannot be painted
    ├── UnknownModel       no model of that name is configured
    ├── InvalidModel       the catalogue cannot have this model, or cannot do without it
    ├── UnknownJob         no job has that number (or it is gone)
    ├── NotYours           only its owner may do that to a job
    ├── LimitReached       this person has to wait; `retry_at` says until when
    ├── NeedsReview        a moderator has to look at the request first
    ├── QueueFull          everybody has to wait
    ├── ModelUnavailable   the model is configured but could not be loaded
    ├── Withheld           the model's safety checker objects to the picture
    ├── DeviceUnavailable  the device that the settings name is not there
    └── StorageError       the data folder or the database cannot be used

Anything that is not an `AtelierError` is a bug: it is logged with its traceback under an
incident id, and people only see that id.
"""

import re
import secrets
from typing import Any

from speech import Sentence, retranslate, use_language


class AtelierError(Exception):
    """Base of all errors that may be shown to people; as text it is English, for logs.

    Attributes:
        sentence: What to tell people, in the language that was spoken where it was raised;
            `retranslate` says it in another.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence

    def __str__(self) -> str:
        with use_language("en"):
            return str(retranslate(self.sentence))


class InvalidRequest(AtelierError):
    """The request breaks a rule; the text names the value and what is allowed."""


class UnknownModel(AtelierError):
    """The named model is not among those configured."""


class InvalidModel(AtelierError):
    """An entry of the catalogue contradicts itself, or may not be changed; the text says why."""


class UnknownJob(AtelierError):
    """The job does not exist, or no longer."""


class NotYours(AtelierError):
    """The person may not act on this job."""


class LimitReached(AtelierError):
    """The person has used up what the limits give.

    Attributes:
        retry_at: When a new request will be accepted, in seconds since the epoch; `None` when it
            depends on the person's own waiting jobs rather than on the clock.
    """

    def __init__(self, sentence: str, retry_at: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_at = retry_at


class NeedsReview(AtelierError):
    """The request may be painted when a moderator has looked at it.

    Attributes:
        words: Those of its words for which it is held, in the form in which words compare.
    """

    def __init__(self, sentence: str, words: tuple[str, ...]) -> None:
        super().__init__(sentence)
        self.words = words


class AlreadyDecided(AtelierError):
    """Somebody else was quicker to decide about a request that waited."""


class QueueFull(AtelierError):
    """The queue holds as many jobs as the settings allow."""


class ModelUnavailable(AtelierError):
    """The model could not be loaded; the text says why and what would help."""


class Withheld(AtelierError):
    """A picture was painted, and the safety checker that its model brings along objects to it."""


class DeviceUnavailable(AtelierError):
    """This machine has no device of the kind that the settings name."""


class StorageError(AtelierError):
    """The data folder, the disk or the database refuses to work."""


START = r"(?:file:(?://[^/\s\\]*)?|~[^\s/\\]*|[A-Za-z]:)?[/\\]+"
"""How an absolute path begins: at a root, a drive, a home folder, or as the address of a file."""

WORD = r"[^\s/\\“”\"`<>|]+"

PATHS = re.compile(
    rf"""
      (?P<address>(?!file:)[A-Za-z][A-Za-z0-9+.-]+://[^\s“”"'<>]*)
    | (?P<quote>['"“‘«])(?P<quoted>{START}.*?)(?P<end>['"”’»](?!\w))
    | (?<![\w./\\~]){START}(?:{WORD}(?:(?<![.,;:!?])[ ]+{WORD})*[/\\]+)*(?P<name>{WORD}|(?=\s|$))
    """,
    re.VERBOSE,
)
"""Absolute paths in a text, also with spaces, and addresses on the web, which aren't any."""

WHOLE_PATH = re.compile(rf"{START}(?!.*(?:[“”\"'`]|:\s)).*", re.DOTALL)

HOMES = re.compile(
    r"(?:.*[/\\])?(?:home|users|documents and settings)[/\\]+[^/\\]+[/\\]*|~[^/\\]*[/\\]*",
    re.IGNORECASE | re.DOTALL,
)
"""A home folder itself, whose name is its owner's."""


def without_folders(sentence: str) -> str:
    """The sentence for members, who need not know where the owner keeps files."""
    if not isinstance(sentence, Sentence):
        return PATHS.sub(_shown, sentence)
    values = {name: _without_folders(value) for name, value in sentence.values.items()}
    return Sentence(sentence.one, sentence.many, values)


def _without_folders(value: Any) -> Any:
    """A number as it is; anything else is told by its text."""
    if isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else str(value)
    if not isinstance(text, Sentence) and WHOLE_PATH.fullmatch(text):
        return _last_part(text)
    return without_folders(text)


def _shown(match: re.Match[str]) -> str:
    if match["address"]:
        return match[0]
    if match["quote"]:
        return f"{match['quote']}{_last_part(match['quoted'])}{match['end']}"
    return _last_part(match[0])


def _last_part(path: str) -> str:
    """The name of a file or folder. What stands at a root, like a command, keeps its slash."""
    if HOMES.fullmatch(path):
        return "~"
    folders, _, name = path.rstrip("/\\").rpartition(max("/", "\\", key=path.rstrip("/\\").rfind))
    return name if folders.strip("/\\") or path[:1] not in "/\\" else path


def new_incident() -> str:
    """A short id that ties what a member sees to one entry of the log."""
    return secrets.token_hex(3)
