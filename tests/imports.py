"""The imports of the repository's Python files, read without running any of them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]

Graph = Mapping[str, frozenset[str]]
"""Which modules each module imports."""


@cache
def modules(*roots: str) -> Mapping[str, Path]:
    """The modules and packages below top-level packages or modules, by their full names."""
    files = [file for root in roots for file in (ROOT / root).rglob("*.py")]
    files += [file for root in roots if (file := ROOT / f"{root}.py").exists()]
    return {_name(file): file for file in sorted(files)}


def _name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def syntax(file: Path) -> ast.Module:
    """A parsed file."""
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def imported(file: Path) -> tuple[str, ...]:
    """Everything a file imports, in functions and for type checkers too.

    Returns:
        Full names, `a.b` for `from a import b`.

    Raises:
        ValueError: For a relative import.
    """
    return tuple(_imported(file))


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(syntax(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise ValueError(f"{file}: use absolute imports")
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def graph(*roots: str) -> Graph:
    """Which modules below these roots import which others of them."""
    known = modules(*roots)
    return {
        name: frozenset(_owners(imported(file), known)) - {name} for name, file in known.items()
    }


def _owners(names: Iterable[str], known: Mapping[str, Path]) -> Iterator[str]:
    """The modules that imported names come from."""
    for name in names:
        found = name if name in known else name.rpartition(".")[0]
        if found in known:
            yield found


def circles(imports: Graph) -> list[list[str]]:
    """The groups of modules that import each other, directly or through others."""
    reach = {name: _reached(imports, name) for name in imports}
    groups = {
        frozenset(other for other in reach[name] if name in reach[other])
        for name in imports
        if name in reach[name]
    }
    return sorted(map(sorted, groups))


def _reached(imports: Graph, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = imports[waiting.pop()] - found
        found |= new
        waiting += new
    return found
