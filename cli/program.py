"""What the program is called on the command line, and its version."""

import importlib.metadata
import sys
from pathlib import PurePath

INSTALLED = "atelier"
"""The command that the package installs."""


def program() -> str:
    """How the owner called this program, for hints that can be typed as they are."""
    called = PurePath(sys.argv[0].replace("\\", "/")).name.lower()
    return INSTALLED if called in (INSTALLED, f"{INSTALLED}.exe") else "python bot.py"


def version() -> str:
    """The installed version; that of a checkout without an installation isn't known."""
    try:
        return importlib.metadata.version(INSTALLED)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed; pip install -e . tells it its version)"
