"""The seams: Discord knows nothing of tensors, the engine knows nothing of Discord."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TENSORS = {"torch", "diffusers", "transformers", "accelerate", "safetensors", "numpy"}


def imports(file: Path) -> Iterator[str]:
    """The full names of the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            assert node.module is not None
            yield node.module


def files(package: str) -> list[Path]:
    """All modules of a package."""
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("file", files("cogs"), ids=lambda file: str(file.relative_to(ROOT)))
def test_the_discord_wing_imports_the_engines_public_face_and_no_tensors(file: Path) -> None:
    for name in imports(file):
        root = name.partition(".")[0]
        assert root not in TENSORS
        assert root not in ("cli", "training", "tests")
        assert root != "engine" or name == "engine", f"{file.name} reaches into {name}"


@pytest.mark.parametrize("file", files("engine"), ids=lambda file: str(file.relative_to(ROOT)))
def test_the_engine_imports_nothing_of_discord(file: Path) -> None:
    for name in imports(file):
        assert name.partition(".")[0] not in ("discord", "cogs", "cli", "aiohttp", "training")


def test_only_the_diffusion_package_imports_tensors() -> None:
    for file in files("engine"):
        if "diffusion" in file.parts:
            continue
        found = {name.partition(".")[0] for name in imports(file)} & TENSORS
        assert not found, f"{file.name} imports {found}"


def test_each_module_can_be_the_first_one_imported() -> None:
    paths = [file.relative_to(ROOT).with_suffix("") for file in files("cogs")]
    modules = [".".join(path.parts) for path in paths if path.name != "__init__"]
    code = """
import importlib, sys
for name in sys.argv[1:]:
    for old in [old for old in sys.modules if old.partition(".")[0] == "cogs"]:
        del sys.modules[old]
    importlib.import_module(name)
    assert "torch" not in sys.modules, name
"""
    subprocess.run([sys.executable, "-c", code, "engine", "cogs", *modules], cwd=ROOT, check=True)
