"""Tables in `docs/models.md`, in both languages: what families take, how checkpoints run.

They are written from the code; `python -m tests.family_table` writes them, a test compares them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from engine.hub.pipeline_class import lora_mixin_of
from engine.models.families import FAMILIES, FamilyFacts
from tests.family_table.plans import CARDS, planned
from tests.pages import DOCS

COLUMNS: Mapping[Path, tuple[str, ...]] = MappingProxyType(
    {
        DOCS / "models.md": (
            *("Family", "Text", "Start image", "Mask", "References", "Control", "LoRA"),
            "Transparent",
        ),
        DOCS / "zh-CN" / "models.md": (
            *("类别", "文字", "起始图片", "蒙版", "参考图", "控制图", "LoRA"),
            "透明",
        ),
    }
)
"""The pages with the table, and the heads of its columns there."""

PLANS: Mapping[Path, tuple[str, str]] = MappingProxyType(
    {DOCS / "models.md": ("Checkpoint", "RAM"), DOCS / "zh-CN" / "models.md": ("检查点", "内存")}
)
"""The heads of the first columns of the table of plans."""

YES = "✓"


def abilities_of(facts: FamilyFacts) -> tuple[str, ...]:
    """What stands in the columns after the name; of references, how many there may be."""
    references = getattr(facts, "references", 0)
    answers = (
        not getattr(facts, "edits_only", False),
        facts.image_to_image,
        facts.inpaint,
        references,
        getattr(facts, "control", False),
        lora_mixin_of(facts.pipelines[0]) is not None,
        getattr(facts, "transparent", False),
    )
    return tuple(str(each) if each is references and each else YES * bool(each) for each in answers)


def family_table(page: Path) -> str:
    """What each family can be asked for, as it stands in `page`, one of `COLUMNS`."""
    rows = [(facts.label, *abilities_of(facts)) for facts in FAMILIES.values()]
    return _table(COLUMNS[page], rows, ":---:")


def plan_table(page: Path) -> str:
    """How new checkpoints run, as it stands in `page`, one of `PLANS`."""
    heads = (*PLANS[page], *(f"{card} GB" for card in CARDS))
    return _table(heads, planned(), "---:")


def with_tables(page: Path) -> str:
    """The text of `page` with the tables in place of those that it has.

    Raises:
        ValueError: It lacks one, told by the heads of its first two columns.
    """
    text = page.read_text("utf-8")
    for table in (family_table(page), plan_table(page)):
        begin = "|".join(table.split("|")[:3])
        found = re.search(rf"^{re.escape(begin)}.*(?:\n\|.*)*", text, re.MULTILINE)
        if found is None:
            raise ValueError(f"{page} has no table that begins with {begin}")
        text = text[: found.start()] + table + text[found.end() :]
    return text


def outdated() -> Iterator[Path]:
    """The pages whose tables aren't what the code says."""
    return (page for page in COLUMNS if with_tables(page) != page.read_text("utf-8"))


def _table(heads: Sequence[str], rows: Sequence[tuple[str, ...]], alignment: str) -> str:
    lines = [heads, ("---", *[alignment] * (len(heads) - 1)), *rows]
    return "\n".join(
        "|" + "".join(f" {cell} |" if cell else " |" for cell in line) for line in lines
    )
