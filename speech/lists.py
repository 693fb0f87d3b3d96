"""Lists and joined sentences, with the punctuation of the current language."""

from collections.abc import Sequence
from functools import reduce

from speech.sentences import phrase, say

COMMA = phrase("{items}, {last}")
AND = phrase("{items} and {last}")
OR = phrase("{items} or {last}")


def join_list(items: Sequence[str], last: str = COMMA) -> str:
    """The items as in “a, b and c”; empty if there are none.

    Args:
        items: What to list.
        last: What joins the last item to the others: `COMMA`, `AND` or `OR`.
    """
    if not items:
        return ""
    *others, end = items
    return say(last, items=_with_commas(others), last=end) if others else end


def _with_commas(items: Sequence[str]) -> str:
    """Split in halves recursively, to keep the nesting of long lists shallow."""
    if len(items) == 1:
        return items[0]
    middle = len(items) // 2
    return say(COMMA, items=_with_commas(items[:middle]), last=_with_commas(items[middle:]))


def join_sentences(*sentences: str) -> str:
    """One or more sentences, one after the other."""
    return reduce(_followed, sentences)


def _followed(before: str, after: str) -> str:
    return say("{before} {after}", before=before, after=after)
