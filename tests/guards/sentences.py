"""What has to follow the sentences that people read."""

from __future__ import annotations

from collections.abc import Iterator

from cogs import Atelier
from speech import LANGUAGES
from tests.speech.allowed import ALLOWED, unsaid_texts
from tests.speech.catalogue import Key, ids, keys, read, template


async def unsaid(_: Atelier) -> list[str]:
    """Texts for people that are not said, and those allowed that don't exist."""
    found = list(unsaid_texts())
    gone = ALLOWED.keys() - {(text.file, text.text) for text in found}
    return [
        *(
            f"{each.file}:{each.line}: {each.text}"
            for each in found
            if (each.file, each.text) not in ALLOWED
        ),
        *(f"{file}: {text!r} doesn't exist" for file, text in sorted(gone)),
    ]


async def untranslated(bot: Atelier) -> Iterator[str]:
    """What a catalogue lacks, has not translated, or has for nothing."""
    wanted = keys(await template(bot))
    return (
        f"{language}: {line}"
        for language in LANGUAGES
        if language != "en"
        for line in _untranslated(language, wanted)
    )


def _untranslated(language: str, wanted: set[Key]) -> Iterator[str]:
    catalogue = read(language)
    there = keys(catalogue)
    empty = {
        (message.context, ids(message.id))
        for message in catalogue
        if message.id and not all(ids(message.string))
    }
    for context, texts in sorted((wanted - there) | empty, key=repr):
        yield f"{context or 'sentence'}: {texts[0]!r} isn't translated"
    for context, texts in sorted(there - wanted, key=repr):
        yield f"{context or 'sentence'}: {texts[0]!r} is no longer said"
