"""Reads the answers that `init` gets, typed or from the command line."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from cli.questions import BadAnswer
from cli.writable import why_not_writable
from engine import AtelierError, EngineSettings, Model, ModelSettings
from engine.local_paths import expanded
from engine.models.origins import origin_of
from engine.models.suggestions import Suggestion
from engine.settings import BUILT_IN_MODEL


def read_model(answer: str, suggestions: Sequence[Suggestion] = ()) -> str:
    """The source that an answer names, by its number or as it is written.

    Raises:
        BadAnswer: It names none.
    """
    if answer in ("0", BUILT_IN_MODEL):
        return BUILT_IN_MODEL
    if re.fullmatch(r"\d{1,3}", answer):
        if int(answer) > len(suggestions):
            raise BadAnswer("That number isn't in the list.")
        return suggestions[int(answer) - 1].source
    try:
        origin_of(Model.of("model", ModelSettings(source=answer)))
    except AtelierError as error:
        raise BadAnswer(str(error)) from None
    except ValueError:
        raise BadAnswer("A model is a Hub ID like owner/name, a folder, or sketch.") from None
    return answer


def read_device(answer: str) -> str:
    """A device as the settings write it. Raises `BadAnswer`."""
    try:
        EngineSettings(device=answer)
    except ValueError:
        raise BadAnswer(
            "A device is auto, cuda, xpu, mps or cpu; cuda:0,cuda:1 are two cards."
        ) from None
    return answer


def read_ids(answer: str) -> list[int]:
    """The IDs in a list. Raises `BadAnswer`."""
    words = answer.replace(",", " ").split()
    if all(word.isascii() and word.isdigit() and 0 < int(word) < 2**63 for word in words):
        return [int(word) for word in words]
    raise BadAnswer("IDs are numbers. Turn on Developer Mode in Discord to copy them.")


def read_folder(file: Path) -> Callable[[str], str]:
    """Reads a folder, which stays as written; a relative one starts at the settings file."""

    def read(answer: str) -> str:
        if (reason := why_not_writable(file.absolute().parent / expanded(answer))) is not None:
            raise BadAnswer(f"The folder {answer} can't be used: {reason}.")
        return answer

    return read
