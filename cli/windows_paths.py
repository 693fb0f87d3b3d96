"""Windows paths in TOML: in double quotes, a backslash starts an escape such as a tab."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

PATHS = frozenset({"path", "source", "denoiser", "classifier"})
"""Keys whose values are paths."""

BACKSLASHES = re.compile(r'"[^"\n]*\\[^"\n]*"?')


def path_advice(line: str) -> str | None:
    """What to do about a line that isn't valid TOML, if a backslash in double quotes is why."""
    if not BACKSLASHES.search(line):
        return None
    return "Write Windows paths in single quotes, like 'C:\\models', or with / like \"C:/models\"."


def unprintable_paths(
    section: Mapping[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    """The keys of paths that hold a tab, a newline or the like, and what to do about each."""
    for key, value in section.items():
        here = (*above, key)
        if isinstance(value, Mapping):
            yield from unprintable_paths(value, here)
        elif key in PATHS and isinstance(value, str) and re.search(r"[\x00-\x1f\x7f]", value):
            shown = re.sub(r"[\x00-\x1f\x7f]", lambda found: repr(found[0])[1:-1], value)
            yield (
                here,
                f"{'.'.join(here)} has a character that no path has ({shown}). In double quotes, "
                "a backslash starts an escape; write the path in single quotes, "
                "like 'C:\\models'.",
            )
