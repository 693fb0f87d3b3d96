"""Errors that end a command, and how they're shown."""

import errno
import traceback

from rich.text import Text

from cli.console import err
from cli.exits import Exit
from engine import AtelierError, DeviceUnavailable, StorageError

UNWRITABLE = frozenset({errno.EBADF, errno.EIO, errno.ENOSPC, errno.EPIPE})
"""What printing raises where standard output is full, closed or gone."""


class CommandError(AtelierError):
    """Ends a command: shows its text and exits with `code`."""

    def __init__(self, code: Exit, text: str) -> None:
        super().__init__(text)
        self.code = code


class SettingsError(CommandError):
    """Some settings are invalid.

    Attributes:
        problems: One sentence per problem: place, key, value and what's allowed.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__(Exit.SETTINGS, "\n".join(problems))
        self.problems = problems


def explain(error: Exception) -> Exit:
    """Show why the command failed, with a traceback only for bugs; return the exit code."""
    if isinstance(error, OSError) and error.filename is None and error.errno in UNWRITABLE:
        complain(f"The output can't be written: {error.strerror}.")
        return Exit.OUTPUT
    if not isinstance(error, AtelierError):
        from cli.logs import redacted  # it takes a while to import

        err.print(redacted("".join(traceback.format_exception(error)), ()), end="")
        complain("This is a bug in Atelier. Please report it with the lines above.")
        return Exit.BUG
    for text in error.problems if isinstance(error, SettingsError) else [str(error)]:
        complain(text)
    if isinstance(error, CommandError):
        return error.code
    match error:
        case StorageError():
            return Exit.STORAGE
        case DeviceUnavailable():
            return Exit.SETTINGS
        case _:
            return Exit.NOT_PAINTED


def complain(text: str) -> None:
    """Print an error, marked with ✗."""
    err.print(Text.assemble(("✗ ", "bold red"), text))
