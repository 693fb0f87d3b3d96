"""Entry point: `python bot.py` runs the bot, `python bot.py --help` lists the other commands."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper

from cli.app import app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with one of the codes in `cli.exits`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a Windows pipe may not support ✓
    try:
        try:
            app(arguments)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except Exception as error:
        from cli.errors import explain

        code: int = 1
        with suppress(OSError):
            code = explain(error)
        _abandon_output()
        sys.exit(code)


def _abandon_output() -> None:
    """Drop what can't be written, or the interpreter complains about it when it exits."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            with suppress(OSError, ValueError, AttributeError):
                nothing = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nothing, stream.fileno())
                os.close(nothing)


if __name__ == "__main__":
    main()
