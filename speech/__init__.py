"""What people read, in their language. Both wings say their sentences through it.

A sentence is written in English where it is said, and looked up in a catalogue by that:

    speak(language_for(interaction.locale))
    raise InvalidRequest(say("A side has {most} pixels at most.", most=1024))
"""

from speech.catalogues import translation
from speech.languages import LANGUAGES, language_for, speak, speaking, spoken
from speech.lists import AND, OR, listed, together
from speech.sentences import Sentence, phrase, recalled, resaid, say, say_many

__all__ = [
    "AND",
    "LANGUAGES",
    "OR",
    "Sentence",
    "language_for",
    "listed",
    "phrase",
    "recalled",
    "resaid",
    "say",
    "say_many",
    "speak",
    "speaking",
    "spoken",
    "together",
    "translation",
]
