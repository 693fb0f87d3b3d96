"""What has to follow the families."""

from __future__ import annotations

import re
from collections.abc import Iterator

import diffusers

from cogs import Atelier
from engine.diffusion.families import STEPPED
from engine.models.checkpoints import CHECKPOINTS
from engine.models.families import FAMILIES, FamilyFacts
from tests.family_table import outdated
from tests.pages import ROOT


def _missing(name: str, facts: FamilyFacts) -> Iterator[str]:
    """What a family still lacks, one line each."""
    if name not in STEPPED:
        yield "its class in STEPPED (engine/diffusion/families/__init__.py)"
    else:
        module = STEPPED[name].__module__.rpartition(".")[2]
        test = f"tests/engine/diffusion/families/test_{module}.py"
        if not (ROOT / test).exists():
            yield f"a parity test: {test}"
    for pipeline in facts.pipelines:
        if not hasattr(diffusers, pipeline):
            yield f"a class of Diffusers: there is no {pipeline}"
    if not any(checkpoint.family == name for checkpoint in CHECKPOINTS.values()):
        yield "a checkpoint in engine/models/checkpoints.py"
    if not re.search(rf"[ \"]{name}\b", (ROOT / "config.example.toml").read_text("utf-8")):
        yield "its name above `family` in config.example.toml"


async def incomplete(_: Atelier) -> Iterator[str]:
    """What a family lacks that the recipe in CONTRIBUTING.md names."""
    lines = [(name, line) for name, facts in FAMILIES.items() for line in _missing(name, facts)]
    lines += [(name, "an entry in FAMILIES") for name in STEPPED.keys() - FAMILIES.keys()]
    missing = [f"{name} lacks {line}" for name, line in lines]
    pages = [page.relative_to(ROOT) for page in outdated()]
    return iter([*missing, *(f"{page}: run python -m tests.family_table" for page in pages)])
