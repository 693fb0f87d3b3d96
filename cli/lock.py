"""Whether a bot is running on the data folder."""

from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console

from cli.console import out
from engine.folder_lock import NAME
from engine.local_paths import exists


def bot_is_running(folder: Path) -> bool:
    """Whether another process holds the lock of the data folder, as far as that can be seen."""
    try:
        return _is_held(folder / NAME)
    except OSError:
        return False


def why_not_lockable(folder: Path) -> str | None:
    """Why the bot can't lock the data folder, though nothing holds the lock; `None` if it can."""
    try:
        _is_held(folder / NAME)
    except OSError as error:
        return f"{folder / NAME}: {error.strerror}"
    return None


def _is_held(lock: Path) -> bool:
    if not exists(lock):
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


def tell_picked_up(folder: Path, console: Console = out, style: str | None = None) -> None:
    """Say that the bot on the data folder will notice a change, if it's running."""
    if bot_is_running(folder):
        console.print("The running bot picks this up within a few seconds.", style=style)
