"""Names of files in sentences: only a few, and none too long."""

from collections.abc import Iterable, Sequence

from speech import join_list

MAX_NAMES = 5
MAX_LENGTH = 40
"""Characters; of a longer name the end is shown, which tells files of one folder apart."""


def listed(items: Iterable[str]) -> str:
    """The first of them as a list, with “…” for the others."""
    found = list(items)
    return join_list([*found[:MAX_NAMES], "…"] if len(found) > MAX_NAMES else found)


def named(files: Iterable[str]) -> str:
    """The names of files as a list."""
    return listed([shown(file) for file in files])


def alike(groups: Iterable[Sequence[str]]) -> str:
    """Files that look the same as a list: “a.png ≈ b.png, c.png ≈ d.png”."""
    return listed(
        [
            " ≈ ".join([*map(shown, group[:MAX_NAMES]), *["…"][: len(group) > MAX_NAMES]])
            for group in groups
        ]
    )


def shown(name: str) -> str:
    """One name; what can't be printed is escaped."""
    printable = "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)
    return printable if len(printable) <= MAX_LENGTH else "…" + printable[-MAX_LENGTH:]
