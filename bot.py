"""Entry point: `python bot.py` runs the bot, `python bot.py --help` lists the other commands."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from io import StringIO, TextIOWrapper

from cli.app import app
from cli.ending import drop_output, end_process


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with one of the codes in `cli.exits`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a Windows pipe may not support ✓
    if sys.stdin is None:  # it was closed
        sys.stdin = StringIO()
    code: object = 0
    try:
        try:
            app(arguments)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except SystemExit as error:
        code = error.code
        raise
    except Exception as error:
        from cli.errors import code_of, explain

        code = code_of(error)
        with suppress(OSError):
            explain(error)
        drop_output()
        sys.exit(code)
    finally:
        end_process(code)


if __name__ == "__main__":
    main()
