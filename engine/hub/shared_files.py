"""Files in the Hugging Face cache that several models use."""

from collections.abc import Iterable

from engine.hub.local_files import place_of
from engine.hub.presence import sources_of
from engine.hub.sources import Origin, Source
from engine.hub.verify import delete_files


def remove_unshared(origin: Origin, others: Iterable[Origin]) -> int:
    """Delete a model from the cache, except for what the `others` use.

    Returns:
        Bytes that were freed.
    """
    used = [source for other in others for source in sources_of(other)]
    return sum(
        delete_files(Origin(source))
        for source in origin
        if not any(_overlap(source, other) for other in used)
    )


def _overlap(one: Source, other: Source) -> bool:
    """Whether removing one would remove files of the other; if in doubt, yes."""
    if one.repo is None or one.repo != other.repo:
        return False
    first, second = place_of(one), place_of(other)
    if first is None or second is None:
        return True
    return first == second or first in second.parents or second in first.parents
