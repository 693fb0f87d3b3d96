"""Sentences that a worker has sent, which may have been made to do harm."""

import json
import re
from collections import Counter
from string import Formatter
from typing import Any

from speech import load_sentence, say

SPECIFICATION = re.compile(r"(\.?\d|,)?[dfgs%]?")
"""How a value may be written; a large width would ask for gigabytes."""

MOST_DEPTH, MOST_REPEATS, MOST_CHARACTERS = 3, 2, 4000
"""How deep sentences may be in sentences, and how often each: they'd multiply."""


def readable(text: str) -> str:
    """A worker's sentence in the language that is spoken here; it is never empty."""
    try:
        found = load_sentence(text) if _is_tame(_parsed(text), MOST_DEPTH) else ""
    except (LookupError, ArithmeticError, ValueError, TypeError, AttributeError, RecursionError):
        found = ""
    return found[:MOST_CHARACTERS] or say("The picture couldn't be painted.")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _is_tame(value: Any, depth: int) -> bool:
    """Whether filling in the templates makes a text that isn't much longer than they are."""
    if not isinstance(value, dict):
        return True
    templates = [value.get("one"), value.get("many") or ""]
    return depth > 0 and all(
        (
            *(isinstance(template, str) and _is_plain(template) for template in templates),
            *(_is_tame(each, depth - 1) for each in value.get("values", {}).values()),
        )
    )


def _is_plain(template: str) -> bool:
    """Whether a template has names to be filled in, and neither their insides nor widths."""
    uses: Counter[str] = Counter()
    for _, name, specification, _ in Formatter().parse(template):
        if name is not None:
            uses[name] += 1
            if not (name.isidentifier() and SPECIFICATION.fullmatch(specification or "")):
                return False
    return all(count <= MOST_REPEATS for count in uses.values())
