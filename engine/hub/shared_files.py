"""Files in the Hugging Face cache that several models use."""

from collections.abc import Iterable

from engine.hub.civitai_disk import civitai_folder
from engine.hub.local_files import place_of, repo_cache
from engine.hub.needed_files import is_being_written
from engine.hub.presence import sources_of
from engine.hub.sources import Origin, Source
from engine.hub.verify import delete_files


def remove_unshared(origin: Origin, others: Iterable[Origin]) -> int:
    """Delete a model from the cache, except for what the `others` use, and what is still coming.

    Returns:
        Bytes that were freed.
    """
    used = [source for other in others for source in sources_of(other)]
    return sum(
        delete_files(Origin(source))
        for source in origin
        if not any(_overlap(source, other) for other in used) and not _is_coming(source)
    )


def _is_coming(source: Source) -> bool:
    """Whether this process or another one is downloading from where the source is."""
    if source.civitai is not None:
        return is_being_written(civitai_folder(source.civitai))
    return source.repo is not None and is_being_written(repo_cache(source.repo))


def _overlap(one: Source, other: Source) -> bool:
    """Whether removing one would remove files of the other; if in doubt, yes."""
    if (one.repo, one.civitai) != (other.repo, other.civitai) or not one.is_remote:
        return False
    first, second = place_of(one), place_of(other)
    if first is None or second is None:
        return True
    return first == second or first in second.parents or second in first.parents
