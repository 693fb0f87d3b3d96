"""What people read, in their language. `cogs` and `engine` both use it.

Sentences are written in English in the code, and translated when they are made:

    speak(language_for(interaction.locale))
    raise InvalidRequest(say("A side has {most} pixels at most.", most=1024))
"""

from speech.catalogues import WRITTEN_IN, translation
from speech.languages import LANGUAGES, current_language, language_for, set_language, use_language
from speech.lists import AND, OR, join_list, join_sentences
from speech.sentences import (
    Sentence,
    dump_sentence,
    load_sentence,
    phrase,
    retranslate,
    say,
    say_many,
)

__all__ = [
    "AND",
    "LANGUAGES",
    "OR",
    "WRITTEN_IN",
    "Sentence",
    "current_language",
    "dump_sentence",
    "join_list",
    "join_sentences",
    "language_for",
    "load_sentence",
    "phrase",
    "retranslate",
    "say",
    "say_many",
    "set_language",
    "translation",
    "use_language",
]
