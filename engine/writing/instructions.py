"""What a language model is told to do with a prompt."""

from collections.abc import Sequence
from enum import StrEnum


class Rewriting(StrEnum):
    """What becomes of a prompt."""

    IMPROVE = "improve"
    SHORTEN = "shorten"


Turn = tuple[str, str]
"""Who speaks (system, user or assistant), and what they say."""

SYSTEM = {
    Rewriting.IMPROVE: (
        "You write prompts for an image generator. Rewrite the user's prompt so that it gives a "
        "better picture: keep everything that it asks for, and add concrete details of the "
        "subject, surroundings, composition, light, colours and style. Don't change its subject, "
        "style or mood. Write one paragraph of at most 80 words, in the language of the prompt. "
        "Answer with the prompt only."
    ),
    Rewriting.SHORTEN: (
        "You shorten prompts for an image generator. Keep only the words that matter most for the "
        "picture: subject, setting and style. Leave out filler, repetitions and praise. Write at "
        "most 20 words, in the language of the prompt. Answer with the prompt only."
    ),
}

EXAMPLES = {
    Rewriting.IMPROVE: (
        "a cat on a roof",
        "A grey tabby cat sitting on the ridge of an old tiled roof at dusk, its tail around its "
        "paws, warm light from a window below, chimneys and a violet sky behind it, soft "
        "shadows, shallow depth of field",
    ),
    Rewriting.SHORTEN: (
        "an incredibly beautiful, stunning, highly detailed masterpiece of a small fishing village "
        "by the sea that one can see in the early morning, with lots and lots of fog everywhere",
        "small fishing village by the sea, early morning, thick fog",
    ),
}
"""A prompt and what it should become: small models follow an example better than words."""


def chat(kind: Rewriting, prompt: str) -> Sequence[Turn]:
    """The chat whose next answer is the rewritten prompt."""
    before, after = EXAMPLES[kind]
    return (
        ("system", SYSTEM[kind]),
        ("user", before),
        ("assistant", after),
        ("user", prompt),
    )
