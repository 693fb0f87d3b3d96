"""Entry point: `python bot.py` runs the bot, `python bot.py --help` lists the other commands."""

import sys
from collections.abc import Sequence
from io import TextIOWrapper

from cli.app import app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with one of the codes in `cli.exits`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a Windows pipe may not support ✓
    try:
        app(arguments)
    except Exception as error:
        from cli.errors import explain

        sys.exit(explain(error))


if __name__ == "__main__":
    main()
