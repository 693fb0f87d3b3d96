"""The translations: a PO file for each language except English."""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO

WRITTEN_IN = "en"


@cache
def catalogue(language: str) -> NullTranslations:
    """The catalogue of `language`, one of `LANGUAGES`; it returns what it lacks in English."""
    if language == WRITTEN_IN:
        return NullTranslations()
    # Most processes only speak English: they need not wait for what reads catalogues.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with files("speech").joinpath(f"{language}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def translation(text: str, language: str, context: str | None = None) -> str | None:
    """`text` as the catalogue of `language` has it, nothing filled in; `None` if it does not.

    Args:
        text: In English.
        language: One of `LANGUAGES`.
        context: Tells it apart from the same text said for another purpose.
    """
    if not text:
        return None  # gettext keeps its own notes under it
    known = catalogue(language)
    found = known.gettext(text) if context is None else known.pgettext(context, text)
    return None if found == text else found
