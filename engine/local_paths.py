"""Paths as owners write them, which may be too long, have no home folder or hold a NUL.

Such a text names nothing on this machine; it isn't an error of the system.
"""

from pathlib import Path


def expanded(text: str | Path) -> Path:
    """The path with `~` replaced; as it is where there is no such home folder."""
    try:
        return Path(text).expanduser()
    except (RuntimeError, ValueError):
        return Path(text)


def exists(path: Path) -> bool:
    """Whether there is a file or folder; `False` for a path that can't be one."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
