"""What `init` is told on the command line, and how the rest is asked."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cli.errors import CommandError
from cli.exits import Exit
from cli.init.file import PARTIAL
from cli.init.reading import read_device, read_folder, read_ids, read_model
from cli.questions import BadAnswer, ask
from cli.settings import load_settings
from cli.writable import why_not_writable
from engine import StorageError
from engine.local_paths import exists

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Answers from the command line; `None` is asked for if there is a terminal.

    Attributes:
        token_stdin: Whether the token is read from standard input.
        login: Whether the token is tried at Discord.
        admin_roles: IDs of roles that can manage the bot, as typed.
        device: Where pictures are painted.
        model: The source of the default model, or `sketch`.
        folder: Where the database and the pictures are kept.
        service: Whether a service is installed.
        yes: Whether nothing is asked: what isn't answered here keeps its default.
        force: Whether an existing file is replaced without asking.
    """

    token_stdin: bool = False
    login: bool = True
    admin_roles: str | None = None
    device: str | None = None
    model: str | None = None
    folder: str | None = None
    service: bool | None = None
    yes: bool = False
    force: bool = False

    @property
    def asks(self) -> bool:
        """Whether there is somebody to ask."""
        return not self.yes and sys.stdin.isatty()

    def take(
        self, given: str | None, question: str, read: Callable[[str], T], default: str = ""
    ) -> T:
        """The answer that is given, or that to a question, or the default if nobody is asked.

        Raises:
            BadAnswer: What is given can't be used.
            typer.Abort: On Ctrl-C, or at the end of the input.
        """
        if given is None and self.asks:
            return ask(question, read, default)
        return read(default if given is None else given)


def check_possible(file: Path, given: Answers) -> None:
    """Check before the questions that their answers can be had, used and written.

    Raises:
        CommandError: An answer of the command line or the environment can't be used.
        StorageError: The file can't be written.
    """
    if exists(file) and not file.is_file():
        raise StorageError(f"{file} can't be written: it isn't a file.")
    if (reason := why_not_writable(file.with_name(file.name + PARTIAL))) is not None:
        raise StorageError(f"{file} can't be written: {reason}.")
    if exists(file) and not (given.asks or given.force):
        raise CommandError(Exit.USAGE, f"{file} already exists. Add --force to replace it.")
    try:
        if given.device is not None:
            read_device(given.device)
        if given.model is not None:
            read_model(given.model)
        if given.folder is not None:
            read_folder(file)(given.folder)
        read_ids(given.admin_roles or "")
    except BadAnswer as error:
        raise CommandError(Exit.USAGE, str(error)) from None
    load_settings(Path(os.devnull))  # what the environment says
