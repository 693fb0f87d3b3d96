"""Files in the Hugging Face cache that more than one model is made from."""

from collections.abc import Iterable

from engine.hub.local_files import place_of
from engine.hub.presence import sources_of
from engine.hub.sources import Origin, Source
from engine.hub.verify import remove


def remove_unshared(origin: Origin, others: Iterable[Origin]) -> int:
    """Free what a model takes in the cache, but for what one of the `others` is made from, too.

    Returns:
        How many bytes were freed.
    """
    used = [source for other in others for source in sources_of(other)]
    return sum(
        remove(Origin(source))
        for source in origin
        if not any(_overlap(source, other) for other in used)
    )


def _overlap(one: Source, other: Source) -> bool:
    """Whether removing the one would remove files of the other; if in doubt, it would."""
    if one.repo is None or one.repo != other.repo:
        return False
    mine, theirs = place_of(one), place_of(other)
    if mine is None or theirs is None:
        return True
    return mine == theirs or mine in theirs.parents or theirs in mine.parents
