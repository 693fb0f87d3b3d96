"""The version of this program, as the bot and its workers tell each other."""

import importlib.metadata


def program_version() -> str:
    """It, for people; `?` if the program isn't installed."""
    try:
        return importlib.metadata.version("atelier")
    except importlib.metadata.PackageNotFoundError:
        return "?"
