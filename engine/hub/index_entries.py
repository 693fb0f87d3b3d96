"""What an index of Diffusers says of a pipeline's components."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A component as an index names it.

    Attributes:
        name: Its key.
        library: Where its class is from.
        class_name: Its class.
        folder: Its folder.
        variant: The variant of its weights, where the index asks for one.
        repository: Where it was taken from, as a modular index says.
        is_unset: Whether a modular index says that somebody is to give it.
    """

    name: str
    library: str | None
    class_name: str
    folder: str
    variant: str | None = None
    repository: str | None = None
    is_unset: bool = False


def entries_of(index: Mapping[str, Any]) -> Iterator[IndexEntry]:
    """The components that `index` names, those that a pipeline does without left out.

    An ordinary index has `[library, class]` for each. That of a modular pipeline has
    `[library, class, spec]`, where library and class are those of what was loaded when it was
    written, and the spec's `type_hint` those that are meant.

    Args:
        index: The content of `model_index.json` or `modular_model_index.json`.
    """
    for name, value in index.items():
        match value:
            case [library, str(class_name)]:
                yield IndexEntry(name, library, class_name, name)
            case [_, _, {"type_hint": [library, class_name], **spec}]:
                repository = _text(spec.get("pretrained_model_name_or_path"))
                yield IndexEntry(
                    name,
                    library or "",
                    class_name or "",
                    folder=_text(spec.get("subfolder")) or name,
                    variant=_text(spec.get("variant")),
                    repository=repository,
                    is_unset=repository is None,
                )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
