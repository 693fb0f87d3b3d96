"""Reading a picture's settings, whichever program wrote them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.errors import InvalidRequest
from engine.images.metadata.a1111 import has_settings, read_text
from engine.images.metadata.comfyui import read_comfyui
from engine.images.metadata.containers import texts_in
from engine.images.metadata.easy_diffusion import read_easy_diffusion
from engine.images.metadata.fooocus import read_fooocus
from engine.images.metadata.invokeai import read_invokeai
from engine.images.metadata.novelai import read_novelai
from engine.images.metadata.reading import MAX_TEXT, Reading
from engine.images.metadata.sources import MAIN, Sources
from engine.images.metadata.stealth import hidden_text
from engine.images.metadata.swarmui import read_swarmui
from engine.images.metadata.values import Json, json_object, looks_like_json
from engine.jobs.recipe import MAX_PROMPT
from speech import say

READERS: tuple[Callable[[Sources], Reading | None], ...] = (
    read_swarmui,
    read_invokeai,
    read_novelai,
    read_fooocus,
    read_comfyui,
    read_easy_diffusion,
)
"""Programs with a form of their own; each returns `None` for what it didn't write."""

PROGRAMS = (
    *("A1111", "Forge", "SD.Next", "Civitai", "SwarmUI", "Fooocus", "RuinedFooocus"),
    *("InvokeAI", "NovelAI", "ComfyUI", "Easy Diffusion"),
)
"""The programs whose settings are read."""

MAX_PARAMETERS = 100_000
"""The most characters of settings in the form of A1111 that are read."""


@dataclass(frozen=True, slots=True)
class PictureSettings:
    """The settings in a picture.

    Attributes:
        text: In the form of A1111; empty if they can't be read.
        notes: Sentences about who wrote them, and about what isn't used.
    """

    text: str
    notes: tuple[str, ...] = ()


def read_settings(data: bytes) -> PictureSettings | None:
    """The settings in a picture; `None` if it has none. Blocks: call it on a thread.

    Raises:
        InvalidRequest: When the bytes aren't a picture, or the settings are too long.
    """
    texts = texts_in(data)
    found = _find(texts)
    if found is None and (hidden := hidden_text(data)):
        found = _find(_hidden_texts(hidden))
    return found


def settings_text(data: bytes) -> str | None:
    """The text of `read_settings`, or `None`."""
    settings = read_settings(data)
    return (settings.text or None) if settings else None


def _hidden_texts(hidden: str) -> dict[str, str]:
    """The texts by keyword in a text that was hidden in the pixels."""
    packed = json_object(hidden)
    if packed is None:
        return {"parameters": hidden}
    inner: Json = {key: value for key, value in packed.items() if isinstance(value, str)}
    return {"parameters": hidden, **inner}


def _find(texts: dict[str, str]) -> PictureSettings | None:
    sources = Sources(texts)
    for reader in READERS:
        if reading := reader(sources):
            return _of_program(reading)
    for name in MAIN:
        written = texts.get(name, "").strip().strip("\0")
        if not written or looks_like_json(written):
            continue
        if has_settings(written) or name == "parameters":
            return _of_text(written)
    for name in MAIN:
        if looks_like_json(texts.get(name, "")) and name in ("parameters", "UserComment"):
            return PictureSettings("", (_unreadable(""),))
    return None


def _of_program(reading: Reading) -> PictureSettings:
    reading = reading.with_loras()
    if not reading.prompt:
        return PictureSettings("", (_unreadable(reading.program),))
    kept, cut = reading.cut()
    written = say("These settings were written by {program}.", program=reading.program)
    return PictureSettings(kept.text(), (written, *cut, *reading.unused(), *reading.notes))


def _of_text(written: str) -> PictureSettings:
    if len(written) > MAX_PARAMETERS:
        raise InvalidRequest(
            say(
                "The embedded settings have {length} characters; the limit is {most}.",
                length=len(written),
                most=MAX_PARAMETERS,
            )
        )
    clean = written.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    reading = read_text(clean)
    notes = (*reading.unused(), *reading.notes)
    longest = max(len(reading.prompt), len(reading.negative_prompt))
    if len(clean) <= MAX_TEXT and longest <= MAX_PROMPT:
        return PictureSettings(clean, notes)
    kept, cut = replace(reading, program="").cut()
    return PictureSettings(kept.text(), (*cut, *notes))


def _unreadable(program: str) -> str:
    if not program:
        return say("This picture has settings in it, in a form that isn't known here.")
    return say(
        "This picture was written by {program}, but its settings can't be read.", program=program
    )
