"""What has to follow the families."""

from __future__ import annotations

import re
from collections.abc import Iterator

import diffusers

from cogs import Atelier
from engine.diffusion.families import STEPPED
from engine.models.checkpoints import CHECKPOINTS
from engine.models.families import FAMILIES, FamilyFacts
from tests.pages import DOCS, ROOT

DOCUMENTS = (DOCS / "models.md", DOCS / "zh-CN" / "models.md")
"""Where the families are listed for people."""


def _abilities(facts: FamilyFacts) -> list[bool]:
    """The columns of the table: start images, inpainting, LoRAs."""
    pipeline = getattr(diffusers, facts.pipelines[0], None)
    return [facts.image_to_image, facts.inpaint, hasattr(pipeline, "load_lora_weights")]


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
    marks = "".join(" ✓ |" if able else " |" for able in _abilities(facts))
    for document in DOCUMENTS:
        row = re.search(
            rf"^\| {re.escape(facts.label)}(?: ?[(（][^|]+)? \|(.*)\|$",
            document.read_text("utf-8"),
            re.MULTILINE,
        )
        cells = row[1].split("|") if row else []
        if [bool(cell.strip()) for cell in cells] != _abilities(facts):
            where = document.relative_to(ROOT)
            yield f"a row in {where}: | {facts.label} |{marks}"


async def incomplete(_: Atelier) -> Iterator[str]:
    """What a family lacks that the recipe in CONTRIBUTING.md names."""
    lines = [(name, line) for name, facts in FAMILIES.items() for line in _missing(name, facts)]
    lines += [(name, "an entry in FAMILIES") for name in STEPPED.keys() - FAMILIES.keys()]
    return (f"{name} lacks {line}" for name, line in lines)
