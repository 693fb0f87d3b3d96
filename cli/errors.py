"""Errors that end a command, and how they're shown."""

import errno
import traceback

from rich.text import Text

from cli.console import err
from cli.exits import Exit
from engine import AtelierError, ClusterError, DeviceUnavailable, StorageError

UNWRITABLE = frozenset({errno.EBADF, errno.EIO, errno.ENOSPC, errno.EPIPE})
"""What printing raises where standard output is full, closed or gone."""


UNUSABLE = frozenset(
    {
        errno.EACCES,
        errno.EDQUOT,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOSPC,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
    }
)
"""What a file or folder raises that isn't as it has to be: its owner can change that."""


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


def code_of(error: Exception) -> Exit:
    """The exit code of a command that failed with `error`."""
    match error:
        case CommandError():
            return error.code
        case StorageError():
            return Exit.STORAGE
        case DeviceUnavailable():
            return Exit.SETTINGS
        case ClusterError():
            return Exit.CLUSTER
        case AtelierError():
            return Exit.NOT_PAINTED
        case OSError(filename=None, errno=number) if number in UNWRITABLE:
            return Exit.OUTPUT
        case OSError(filename=str(), errno=number) if number in UNUSABLE:
            return Exit.STORAGE
        case _:
            return Exit.BUG


def explain(error: Exception) -> None:
    """Show why the command failed, with a traceback only for bugs."""
    match code_of(error):
        case Exit.OUTPUT if isinstance(error, OSError):
            complain(f"The output can't be written: {error.strerror}.")
        case Exit.STORAGE if isinstance(error, OSError):
            complain(f"{error.filename} can't be used: {error.strerror}.")
        case Exit.BUG:
            from cli.logs import redacted  # it takes a while to import

            err.print(redacted("".join(traceback.format_exception(error)), ()), end="")
            complain("This is a bug in Atelier. Please report it with the lines above.")
        case _:
            for text in error.problems if isinstance(error, SettingsError) else [str(error)]:
                complain(text)


def complain(text: str) -> None:
    """Print an error, marked with ✗."""
    err.print(Text.assemble(("✗ ", "bold red"), text))
