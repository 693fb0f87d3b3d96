"""The house's plan, held: who may import what."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import engine

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "diffusers", "transformers", "accelerate"}
FILES = sorted((ROOT / "engine").rglob("*.py"))


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST) -> Iterator[str]:
    """The modules that a file imports anywhere, by their full names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_on_loading(file: Path) -> Iterator[str]:
    """The modules that a file imports when it is imported itself."""
    tree = ast.parse(file.read_text())
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imports(node)


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_the_engine_knows_nothing_of_discord_nor_of_the_wing_that_does(file: Path) -> None:
    roots = {name.split(".")[0] for name in imports(ast.parse(file.read_text()))}
    assert not roots & {"discord", "cogs", "cli", "bot"}


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_only_diffusion_knows_tensors(file: Path) -> None:
    roots = {name.split(".")[0] for name in imports(ast.parse(file.read_text()))}
    if "diffusion" not in file.parts:
        assert not roots & HEAVY


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_only_the_store_speaks_sql(file: Path) -> None:
    roots = {name.split(".")[0] for name in imports(ast.parse(file.read_text()))}
    if "store" not in file.parts:
        assert not roots & {"aiosqlite", "sqlite3"}


def test_importing_the_engine_imports_no_torch() -> None:
    code = f"import sys, engine; print(*({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_no_module_imports_itself_by_a_detour() -> None:
    modules = {name_of(file): file for file in FILES}
    graph = {
        name: {other for other in imported_on_loading(file) if other in modules and other != name}
        for name, file in modules.items()
    }
    for name, file in modules.items():  # a package's face imports its rooms: no detour
        if file.name == "__init__.py":
            graph[name] = set()
    TopologicalSorter(graph).prepare()


def test_every_name_of_the_public_face_is_there() -> None:
    assert sorted(engine.__all__) == sorted(set(engine.__all__))
    for name in engine.__all__:
        assert hasattr(engine, name)


def test_every_error_for_people_is_an_atelier_error() -> None:
    from engine import errors

    for name in engine.__all__:
        value = getattr(engine, name)
        if isinstance(value, type) and issubclass(value, Exception):
            assert issubclass(value, errors.AtelierError)


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_every_module_says_what_it_is_for(file: Path) -> None:
    assert ast.get_docstring(ast.parse(file.read_text()))
