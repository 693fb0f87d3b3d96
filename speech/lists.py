"""Several things in a row, with the commas, the conjunction and the spaces of the language."""

from collections.abc import Sequence
from functools import reduce

from speech.sentences import phrase, say

COMMA = phrase("{items}, {last}")
AND = phrase("{items} and {last}")
OR = phrase("{items} or {last}")


def listed(items: Sequence[str], last: str = COMMA) -> str:
    """The items, as in “a, b and c”; nothing where there are none.

    Args:
        items: What there is.
        last: How the last one is joined to the others: `COMMA`, `AND` or `OR`.
    """
    if not items:
        return ""
    *others, end = items
    return say(last, items=_with_commas(others), last=end) if others else end


def _with_commas(items: Sequence[str]) -> str:
    """Halved again and again, so that not even a long row is nested deeply."""
    if len(items) == 1:
        return items[0]
    middle = len(items) // 2
    return say(COMMA, items=_with_commas(items[:middle]), last=_with_commas(items[middle:]))


def together(*sentences: str) -> str:
    """At least one sentence, each followed by the next."""
    return reduce(_followed, sentences)


def _followed(before: str, after: str) -> str:
    return say("{before} {after}", before=before, after=after)
