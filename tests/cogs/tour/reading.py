"""What people read of the bot's, and whether it is in their language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from string import Formatter
from typing import Any

from engine.models.schedulers import SCHEDULERS
from tests.discord_server.messages import Look, walk
from tests.discord_server.modal_rules import TEXT_INPUT
from tests.discord_server.modals import Modal
from tests.speech.catalogue import ids, read

LATIN = re.compile(r"\{prompt\}|[A-Za-z_]{3,}")

NAMES = """
    Painters Poets alice bob mod manager developer mallory carol dave velvetine secretine
    tiny other slow broken klein sketch fox hare someone openrail English admin_roles
    ddim heun euler DPM Stable Diffusion LoRA LoRAs
    Atelier Discord Hugging Face Hub PNG WebP JPEG CPU GPU CUDA MiB GiB kiB
    MIT Apache Python torch diffusers transformers discord RAM unet vae text_encoder
    random none red blue green
    {prompt} ink cross hatched
"""
"""Of people, models, methods and things, which are the same in every language; with what is typed
in English everywhere: what axes and templates take, an example of a prompt."""

ALLOWED = frozenset(NAMES.casefold().split()) | {
    word.casefold() for name in SCHEDULERS for word in LATIN.findall(name)
}

QUOTED = re.compile(
    r"```.*?```|`[^`]*`|<[^<>]*>|https?://\S+|(?:/[\w.-]+){2,}|\S+\.(?:safetensors|json|png|txt)"
    r"|weights\d+",
    re.DOTALL,
)
"""What is shown as it is typed or stored: commands, settings in a file, mentions, links, files."""


def english(text: str) -> list[str]:
    """The words in the text that are not names."""
    found = LATIN.findall(QUOTED.sub(" ", text.replace("\\", "")))
    return [word for word in found if word.casefold() not in ALLOWED]


def says(text: str, template: str, language: str) -> bool:
    """Whether the text has in it what `template` says in `language`.

    Args:
        text: What was said.
        template: The English one, or enough of its beginning.
        language: One of `LANGUAGES`.
    """
    said = [template] if language == "en" else translations(template, language)
    return any(re.search(pattern(each), text, re.DOTALL) for each in said)


@cache
def translations(beginning: str, language: str) -> list[str]:
    """Of every template that begins so."""
    found = [each for each in read(language) if each.id and ids(each.id)[-1].startswith(beginning)]
    found = found or [each for each in read(language) if beginning in ids(each.id)]
    return [ids(each.string)[-1] for each in found if each.string]


def pattern(template: str) -> str:
    """What a template is like, whatever fills it."""
    parts = [
        re.escape(literal) + (".*?" if name is not None else "")
        for literal, name, _, _ in Formatter().parse(template)
    ]
    return "".join(parts)


def of_look(look: Look) -> str:
    """All that a person reads of a message, as it looked then."""
    return "\n".join([look.text(), *_words(look.components)])


def of_modal(modal: Modal) -> str:
    """All that a person reads of a modal."""
    return "\n".join([modal.title, *_words(modal.data["components"])])


def _words(components: list[Any]) -> Iterator[str]:
    for part in walk(components):
        if part["type"] == TEXT_INPUT:
            yield str(part.get("value") or "")
        media: list[Mapping[str, Any]] = part.get("items") or []
        for each in (part, *(part.get("options") or []), *media):
            for key in ("label", "placeholder", "description"):
                yield str(each.get(key) or "")
