"""Questions on the terminal, asked again until the answer can be used."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import typer

from cli.console import out
from cli.errors import CommandError
from cli.exits import Exit

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


def confirm(question: str, otherwise: str, *, default: bool = False) -> None:
    """Ask whether to go on.

    Args:
        question: The question.
        otherwise: What is said if the answer is no.
        default: The answer to an empty line.

    Raises:
        CommandError: The answer is no.
    """
    try:
        typer.confirm(question, default=default, abort=True)
    except typer.Abort:
        raise CommandError(Exit.INTERRUPTED, otherwise) from None


def one_of(choices: Sequence[str]) -> Callable[[str], str]:
    """Reads one of these words."""

    def read(answer: str) -> str:
        if answer not in choices:
            raise BadAnswer(f"Enter one of {', '.join(choices)}.")
        return answer

    return read
