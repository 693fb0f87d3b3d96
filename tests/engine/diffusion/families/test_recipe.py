"""Adding a family is complete by CONTRIBUTING's recipe: this says all that is still missing."""

import re
from collections.abc import Iterator
from pathlib import Path

import diffusers
import pytest

from engine.diffusion.families import STEPPED
from engine.models.checkpoints import CHECKPOINTS
from engine.models.families import FAMILIES, FamilyFacts

ROOT = Path(__file__).parents[4]


DOCUMENTS = (ROOT / "docs" / "models.md", ROOT / "docs" / "zh-CN" / "models.md")
"""Where the families are listed for people."""


def abilities(facts: FamilyFacts) -> list[bool]:
    """The columns of the table: start images, inpainting, LoRAs."""
    pipeline = getattr(diffusers, facts.pipelines[0])
    return [facts.image_to_image, facts.inpaint, hasattr(pipeline, "load_lora_weights")]


def missing(name: str, facts: FamilyFacts) -> Iterator[str]:
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
    marks = "".join(" ✓ |" if able else " |" for able in abilities(facts))
    for document in DOCUMENTS:
        row = re.search(
            rf"^\| {re.escape(facts.label)}(?: ?[(（][^|]+)? \|(.*)\|$",
            document.read_text("utf-8"),
            re.MULTILINE,
        )
        cells = row[1].split("|") if row else []
        if [bool(cell.strip()) for cell in cells] != abilities(facts):
            where = document.relative_to(ROOT)
            yield f"a row in {where}: | {facts.label} |{marks}"


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_lacks_nothing_that_the_recipe_names(name: str) -> None:
    lacks = list(missing(name, FAMILIES[name]))
    assert not lacks, "\n".join([f"{name} lacks:", *lacks])


def test_what_is_stepped_has_its_facts() -> None:
    assert STEPPED.keys() <= FAMILIES.keys()
