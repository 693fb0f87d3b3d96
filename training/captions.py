"""What people may say to get a scene: many wordings, the unsaid, and noise around it."""

from __future__ import annotations

import random
import string

from training.scenes import (
    COLOURS,
    NATURAL_COLOUR,
    THINGS,
    Arrangement,
    Group,
    Scene,
    implied_background,
)

THING_WORDS: dict[str, tuple[str, ...]] = {thing: (thing,) for thing in THINGS} | {
    "circle": ("circle", "circle", "disc", "dot"),
    "square": ("square", "square", "box"),
    "house": ("house", "house", "house", "home", "cottage", "hut"),
    "moon": ("moon", "moon", "crescent moon", "crescent"),
    "flower": ("flower", "flower", "blossom", "daisy"),
    "boat": ("boat", "boat", "ship", "sailboat"),
    "mountain": ("mountain", "mountain", "peak"),
    "car": ("car", "car", "automobile"),
    "cat": ("cat", "cat", "cat face", "kitten", "cat head"),
    "mushroom": ("mushroom", "mushroom", "toadstool"),
    "umbrella": ("umbrella", "umbrella", "parasol"),
}
COLOUR_WORDS: dict[str, tuple[str, ...]] = {colour: (colour,) for colour in COLOURS} | {
    "red": ("red", "red", "red", "red", "crimson", "scarlet"),
    "yellow": ("yellow", "yellow", "yellow", "yellow", "golden", "gold"),
    "purple": ("purple", "purple", "purple", "violet"),
    "pink": ("pink", "pink", "pink", "pink", "rose"),
}
BACKGROUND_WORDS: dict[str, tuple[str, ...]] = {
    "paper": ("", "", "", "on paper", "on a plain background"),
    "night": ("at night", "at night", "in the night", "under a starry sky", "on a starry night"),
    "sunset": ("at sunset", "at sunset", "in the sunset", "at dusk", "in the evening"),
    "meadow": ("in a meadow", "on a meadow", "on grass", "on the grass", "in a green field"),
    "sea": ("at sea", "by the sea", "in the sea", "on the water", "in the ocean"),
    "snow": ("in the snow", "in the snow", "in winter", "on snow", "in a snowy field"),
    "desert": ("in the desert", "in the desert", "on sand", "in a sandy desert"),
}
NUMBERS = {1: ("a",), 2: ("two", "two", "2"), 3: ("three", "three", "3")}
PREFIXES = (
    "a picture of", "an image of", "a drawing of", "a painting of", "an illustration of",
    "a photo of", "please draw", "draw", "paint", "show me", "i want", "a cute", "a beautiful",
    "imagine", "there is", "flat illustration of", "digital art of", "a sketch of",
)  # fmt: skip
SUFFIXES = (
    "masterpiece", "best quality", "highly detailed", "4k", "8k", "in picasso style", "flat design",
    "in the style of van gogh", "oil painting", "watercolor", "digital art", "cute", "pretty",
    "trending on artstation", "simple", "minimalist", "vector art", "please", "for kids",
    "beautiful", "high resolution", "cartoon", "very nice", "children's book", "storybook",
    "photorealistic", "dramatic lighting", "soft light", "sharp focus", "by monet", "anime",
)  # fmt: skip
ADJECTIVES = (
    "big",
    "small",
    "little",
    "nice",
    "cute",
    "beautiful",
    "lovely",
    "happy",
    "old",
    "new",
)
ABOVE = ("above", "above", "over", "floating above", "higher than")
BELOW = ("below", "under", "under", "beneath", "underneath")
LEFT_OF = ("to the left of", "left of", "on the left of")
RIGHT_OF = ("to the right of", "right of", "on the right of")
SITTING = ("on", "on", "on top of", "sitting on", "standing on")
BESIDE = ("and", "and", "and", "next to", "beside", "with", "near", "by")
SIDES: dict[Arrangement, tuple[str, ...]] = {
    Arrangement.CENTRE: ("", "", "", "", "", "in the middle", "in the center"),
    Arrangement.LEFT: ("on the left", "at the left", "on the left side"),
    Arrangement.RIGHT: ("on the right", "at the right", "on the right side"),
    Arrangement.TOP: ("at the top", "in the upper half", "on the top"),
    Arrangement.BOTTOM: ("at the bottom", "in the lower half", "on the bottom"),
}


def plural(word: str) -> str:
    """Return the plural of a thing's word."""
    if word == "fish":
        return "fish"
    if word == "daisy":
        return "daisies"
    return word + ("es" if word.endswith(("x", "s", "sh")) else "s")


def describe(scene: Scene, rng: random.Random, *, noise: float = 0.25) -> str:
    """Return one of the many captions of this scene; `noise` is the share with filler words."""
    background = _background(scene, rng)
    if scene.arrangement is Arrangement.EMPTY:
        words = background or "an empty page"
        text = words.removeprefix("on ") if rng.random() < 0.5 else words
    elif background and rng.random() < 0.2:
        text = f"{background}{rng.choice((',', ''))} {_composition(scene, rng)}"
    else:
        text = f"{_composition(scene, rng)}{rng.choice((',', '', '', ''))} {background}"
    text = text.strip(" ,")
    if rng.random() < noise:
        text = _noisy(text, rng)
    return text


def _composition(scene: Scene, rng: random.Random) -> str:
    articles = rng.random() < 0.85
    names = [_name(group, rng, articles=articles) for group in scene.groups]
    match scene.arrangement:
        case Arrangement.ROW if len(names) == 3:
            if rng.random() < 0.3:
                return f"{names[1]} between {names[0]} and {names[2]}"
            return f"{names[0]}, {names[1]}{rng.choice((' and', ', and', ','))} {names[2]}"
        case Arrangement.ROW:
            left, right = names
            choice = rng.random()
            if choice < 0.3:
                return f"{left} {rng.choice(LEFT_OF)} {right}"
            if choice < 0.6:
                return f"{right} {rng.choice(RIGHT_OF)} {left}"
            return f"{left} {rng.choice(BESIDE)} {right}"
        case Arrangement.COLUMN:
            top, bottom = names
            if rng.random() < 0.5:
                return f"{top} {rng.choice(ABOVE)} {bottom}"
            return f"{bottom} {rng.choice(BELOW)} {top}"
        case Arrangement.ON:
            return f"{names[0]} {rng.choice(SITTING)} {names[1]}"
        case _:
            return f"{names[0]} {rng.choice(SIDES[scene.arrangement])}".strip()


def _name(group: Group, rng: random.Random, *, articles: bool) -> str:
    word = rng.choice(THING_WORDS[group.thing])
    colour = rng.choice(COLOUR_WORDS[group.colour])
    if group.colour == NATURAL_COLOUR[group.thing] and rng.random() < 0.35:
        colour = ""
    adjective = rng.choice(ADJECTIVES) if rng.random() < 0.06 else ""
    if group.count > 1:
        number = rng.choice(NUMBERS[group.count])
        return " ".join(filter(None, (number, adjective, colour, plural(word))))
    phrase = " ".join(filter(None, (adjective, colour, word)))
    if not articles:
        return phrase
    if rng.random() < 0.1:
        return f"{rng.choice(('the', 'one'))} {phrase}"
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def _background(scene: Scene, rng: random.Random) -> str:
    things = frozenset(group.thing for group in scene.groups)
    if scene.groups and scene.background == implied_background(things) and rng.random() < 0.75:
        return ""
    if scene.background in COLOURS:
        colour = rng.choice(COLOUR_WORDS[scene.background])
        article = "an" if colour[0] in "aeiou" else "a"
        return rng.choice(
            (
                f"on {article} {colour} background",
                f"on {article} {colour} background",
                f"{colour} background",
                f"with {article} {colour} background",
                f"on {colour}",
                f"against {article} {colour} background",
            )
        )
    if scene.background == "paper" and scene.groups:
        return rng.choice(BACKGROUND_WORDS["paper"])
    return rng.choice(BACKGROUND_WORDS[scene.background])


def _noisy(text: str, rng: random.Random) -> str:
    if rng.random() < 0.5:
        text = f"{rng.choice(PREFIXES)} {text}"
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        suffix = rng.choice(SUFFIXES) if rng.random() < 0.6 else _gibberish(rng)
        text = f"{text}, {suffix}" if rng.random() < 0.7 else f"{suffix}, {text}"
    if rng.random() < 0.15:
        text += rng.choice((".", "!", "..."))
    return text


def _gibberish(rng: random.Random) -> str:
    """Return a few words that mean nothing here."""
    return " ".join(
        "".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 8)))
        for _ in range(rng.randint(1, 2))
    )


def vocabulary() -> list[str]:
    """Return every word that captions use, for the tokenizer to know whole."""
    phrases = [*PREFIXES, *SUFFIXES, *ADJECTIVES, *ABOVE, *BELOW]
    phrases += [*LEFT_OF, *RIGHT_OF, *SITTING, *BESIDE]
    for table in (THING_WORDS, COLOUR_WORDS, BACKGROUND_WORDS, SIDES):
        phrases += [phrase for words in table.values() for phrase in words]
    phrases += [plural(word) for words in THING_WORDS.values() for word in words]
    phrases += ["between", "with against background empty page"]
    phrases += ["one two three a an the of in at and scene some it is style art sky"]
    words = {word for phrase in phrases for word in phrase.lower().replace("'", " ").split()}
    return sorted(words)
