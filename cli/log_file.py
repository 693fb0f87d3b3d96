"""The log in the data folder: a line an event, in files that are rotated."""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from cli.console import err
from cli.exits import Exit
from cli.log_settings import LogSettings
from cli.logs import JsonFormatter, LineFormatter
from engine import AtelierError
from engine.private_files import private_file, private_folder

PLACE = Path("log", "atelier.log")
"""The newest file, in the data folder; older ones have .1 and so on behind the name."""

MAX_BYTES, OLDER_FILES = 10_000_000, 5

log = logging.getLogger("atelier")


class LogFile(RotatingFileHandler):
    """Files that only the program's account can read. A full disk costs lines, never more."""

    def __init__(self, file: Path) -> None:
        """Open the file. Raises `OSError`."""
        private_folder(file.parent)
        self._complained = False
        super().__init__(
            file, maxBytes=MAX_BYTES, backupCount=OLDER_FILES, encoding="utf-8", errors="replace"
        )

    def _open(self) -> TextIOWrapper:
        private_file(Path(self.baseFilename))
        return super()._open()

    def close(self) -> None:
        """Close the file, even if its last line can't be written any more."""
        with suppress(OSError):
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Say once on standard error that lines are missing, and open the file anew for the next.

        A stream would keep what it couldn't write, and grow.
        """
        stream, self.stream = self.stream, None
        with suppress(OSError):
            if stream is not None:
                stream.close()
        if not self._complained:
            self._complained = True
            with suppress(OSError):
                err.print(f"{self.baseFilename} can't be written to; lines are missing in it.")


@contextmanager
def log_file(settings: LogSettings, folder: Path, secrets: Collection[str]) -> Iterator[None]:
    """Also log to a file in the data folder while this is entered, as far as that is possible.

    An error that ends the program is in the file, too; on standard error it is shown later.
    """
    if not settings.file:
        yield
        return
    try:
        handler = LogFile(folder / PLACE)
    except OSError as error:
        log.warning("The log isn't kept: %s can't be written: %s", folder / PLACE, error.strerror)
        yield
        return
    formatter = JsonFormatter if settings.format == "json" else LineFormatter
    handler.setFormatter(formatter(secrets))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    except Exception as error:
        handler.handle(_last_record(error))
        raise
    finally:
        root.removeHandler(handler)
        handler.close()


def _last_record(error: Exception) -> logging.LogRecord:
    """Why the program ends, with a traceback only for bugs."""
    bug = not isinstance(error, AtelierError)
    cause = (type(error), error, error.__traceback__) if bug else None
    text = Exit.BUG.meaning if bug else str(error)
    return logging.LogRecord(log.name, logging.CRITICAL, "", 0, "Ended: %s", (text,), cause)
