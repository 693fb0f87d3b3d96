"""Whether a folder can be written to, asked before the work whose result goes there."""

import os
from pathlib import Path

from engine.local_paths import exists


def nearest_folder(place: Path) -> Path:
    """The place itself if it's there, or the closest of its parents that is."""
    place = place.absolute()
    return next((each for each in (place, *place.parents) if exists(each)), Path(place.anchor))


def why_not_writable(folder: Path) -> str | None:
    """Why nothing can be written to the folder; `None` if it can. A missing one isn't created."""
    there = nearest_folder(folder)
    it = "it" if there == folder.absolute() else there
    if not there.is_dir():
        return f"{it} isn't a folder"
    if not os.access(there, os.W_OK | os.X_OK):
        return f"{it} isn't writable"
    for missing in folder.absolute().relative_to(there).parts:
        try:
            (there / missing).lstat()
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            return getattr(error, "strerror", None) or str(error)
    return None
