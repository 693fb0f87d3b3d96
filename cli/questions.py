"""Questions on the terminal, asked again until the answer can be used."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import typer

from cli.console import out

T = TypeVar("T")


class BadAnswer(Exception):
    """The answer can't be used; the text says why."""


def ask(question: str, read: Callable[[str], T], default: str = "", *, hide: bool = False) -> T:
    """Ask until `read` takes the answer.

    Args:
        question: The question.
        read: Makes a value of the answer, or raises `BadAnswer`.
        default: The answer to an empty line.
        hide: Whether the answer isn't shown.

    Raises:
        typer.Abort: On Ctrl-C, or at the end of the input.
    """
    while True:
        answer = typer.prompt(question, default, hide_input=hide, show_default=bool(default))
        try:
            return read(str(answer).strip())
        except BadAnswer as error:
            out.print(str(error))


def one_of(choices: Sequence[str]) -> Callable[[str], str]:
    """Reads one of these words."""

    def read(answer: str) -> str:
        if answer not in choices:
            raise BadAnswer(f"Enter one of {', '.join(choices)}.")
        return answer

    return read
