"""Downloads on the command line: with a progress bar, and stopped by Ctrl-C."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from cli.console import err
from cli.errors import CommandError
from cli.exits import Exit
from cli.questions import confirm
from cli.signals import on_signal
from engine import DownloadProgress, human_size

T = TypeVar("T")


def confirm_adding(name: str, download_bytes: int) -> None:
    """Ask whether to download and add something called so. Raises `CommandError` if not."""
    what = f"Download {human_size(download_bytes)} and add it" if download_bytes else "Add it"
    confirm(f"{what} as “{name}”?", "Nothing was added.", default=True)


async def stoppable(download: Coroutine[Any, Any, T]) -> T:
    """Await a download that Ctrl-C can stop."""
    work = asyncio.ensure_future(download)
    with on_signal(work.cancel):
        await asyncio.wait([work])
    if work.cancelled():
        raise CommandError(
            Exit.INTERRUPTED, "Stopped. What's downloaded is kept; run the same command to resume."
        )
    return work.result()


@contextmanager
def progress_bar(
    name: str, total: int | None, here: int = 0
) -> Iterator[Callable[[DownloadProgress], None]]:
    """Show a progress bar while entered; yields the callback that updates it.

    Args:
        name: The model's name.
        total: Bytes of all files, if known.
        here: Bytes that are already on disk.
    """
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as progress:
        task = progress.add_task(name, total=total, completed=here)
        yield lambda news: progress.update(task, completed=news.done, total=news.total)
