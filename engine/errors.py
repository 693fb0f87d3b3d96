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


FOLDERS = re.compile(r"(?<![:/\\\w])(?:[A-Za-z]:)?(?:[/\\][^\s/\\“”:,;]+)+[/\\]")
"""The folders of an absolute path, which an address on the web is not."""


def without_folders(sentence: str) -> str:
    """The sentence for members, who need not know where the owner keeps files."""
    if not isinstance(sentence, Sentence):
        return FOLDERS.sub("", sentence)
    values = {name: _without_folders(value) for name, value in sentence.values.items()}
    return Sentence(sentence.one, sentence.many, values)


def _without_folders(value: Any) -> Any:
    """A number as it is; anything else is told by its text."""
    if isinstance(value, int | float):
        return value
    return without_folders(value if isinstance(value, str) else str(value))


def new_incident() -> str:
    """A short id that ties what a member sees to one entry of the log."""
    return secrets.token_hex(3)
