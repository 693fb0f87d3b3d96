"""The source of a model, as its owner writes it.

owner/name                        a Diffusers pipeline on the Hub
owner/name/path/file.safetensors  one file on the Hub: a checkpoint, or a denoiser
owner/name/path/file.gguf         a quantized denoiser on the Hub
https://huggingface.co/…           a link to one of these
civitai:12345, or a link to it     a version of a model on Civitai: its safetensors file
a folder                          a Diffusers pipeline on this machine
file.safetensors, file.gguf       one file on this machine
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils._validators import validate_repo_id

from engine.errors import ModelUnavailable
from engine.hub.civitai_links import CivitaiRef, civitai_ref, civitai_source
from engine.hub.links import hub_link
from engine.local_paths import exists, expanded
from speech import phrase, say

PICKLES = frozenset({".bin", ".ckpt", ".pt", ".pth"})
"""Suffixes of weight files that can run code when they are loaded."""

REPOSITORY = re.compile(r"\w[\w.-]*/\w[\w.-]*")
"""A Hub ID: owner and name."""

IN_REPOSITORY = re.compile(rf"(?P<repo>{REPOSITORY.pattern})(?:/.*)?")
"""A Hub ID, or a file or folder in what it names."""

FILE_ON_HUB = re.compile(rf"(?P<repo>{REPOSITORY.pattern})/(?P<file>[^\\:\x00-\x1f]{{1,512}})")

MAX_SHOWN = 100
"""Characters of an impossible source that are shown."""


class SourceKind(StrEnum):
    """The form of a model."""

    PIPELINE = "Diffusers pipeline"
    """A folder with a `model_index.json` and a folder for each component."""
    CHECKPOINT = "checkpoint"
    """All weights of a Stable Diffusion model in one file, or those of a denoiser."""
    GGUF = "GGUF"
    """The quantized weights of a denoiser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a model is. One of `path`, `repo` and `civitai` is set.

    Attributes:
        text: As its owner wrote it.
        kind: Its form.
        path: Its path on this machine, absolute.
        repo: Its ID on the Hub.
        civitai: The ID of a version on Civitai.
        file: Path within `repo`; `None` for a pipeline.
        revision: Branch, tag or commit on the Hub; `None` for the main branch.
        variant: Variant of the weights, such as `fp16`.
        allow_pickle: Whether weights may be pickles if there are no others.
        settings_only: Whether only configs and tokenizers are needed, no weights.
    """

    text: str
    kind: SourceKind
    path: Path | None = None
    repo: str | None = None
    civitai: int | None = None
    file: str | None = None
    revision: str | None = None
    variant: str | None = None
    allow_pickle: bool = False
    settings_only: bool = False

    @property
    def is_remote(self) -> bool:
        """Whether it comes from elsewhere, rather than from a folder of the owner's."""
        return self.path is None


@dataclass(frozen=True, slots=True)
class Origin:
    """What a model is made from: a source, and perhaps a file in place of its own denoiser."""

    source: Source
    denoiser: Source | None = None

    def __iter__(self) -> Iterator[Source]:
        return iter((self.source,) if self.denoiser is None else (self.source, self.denoiser))


def origin(
    text: str,
    *,
    denoiser: str | None = None,
    revision: str | None = None,
    variant: str | None = None,
    allow_pickle: bool = False,
) -> Origin:
    """Read what an owner wrote.

    Raises:
        ModelUnavailable: It isn't a source, or the denoiser isn't one.
    """
    source = read_source(text, revision=revision, variant=variant, allow_pickle=allow_pickle)
    if source.kind is SourceKind.GGUF:
        raise ModelUnavailable(
            say(
                "“{source}” is only a denoiser. Use its pipeline as the source and this file "
                "as the denoiser.",
                source=text,
            )
        )
    if denoiser is None:
        return Origin(source)
    replacement = read_source(denoiser, allow_pickle=allow_pickle)
    if replacement.kind is SourceKind.PIPELINE:
        raise ModelUnavailable(
            say("The denoiser “{file}” must be a .gguf or .safetensors file.", file=denoiser)
        )
    return Origin(source, replacement)


def read_source(
    text: str,
    *,
    revision: str | None = None,
    variant: str | None = None,
    allow_pickle: bool = False,
) -> Source:
    """The source that `text` names: a path on this machine, or something on the Hub or Civitai.

    Raises:
        ModelUnavailable: It is none of them.
    """
    path = expanded(text)
    there = exists(path)
    if not there and (ref := civitai_ref(text)) is not None:
        return _civitai_source(text, ref)
    if not there and (link := hub_link(text)) is not None:
        text, revision = link.source, revision or link.revision
        path = expanded(text)
    if there and path.is_dir():
        return Source(
            text=text,
            kind=SourceKind.PIPELINE,
            path=path.absolute(),
            variant=variant,
            allow_pickle=allow_pickle,
        )
    is_file = there and path.is_file()
    on_hub = FILE_ON_HUB.fullmatch(text) if not is_file else None
    if on_hub is not None and not is_hub_id(on_hub["repo"]):
        on_hub = None
    if is_file or on_hub is not None:
        return Source(
            text=text,
            kind=_kind_of_file(text, path.suffix.lower(), allow_pickle),
            path=None if on_hub else path.absolute(),
            repo=on_hub["repo"] if on_hub else None,
            file=on_hub["file"] if on_hub else None,
            revision=revision,
            allow_pickle=allow_pickle,
        )
    if REPOSITORY.fullmatch(text) and is_hub_id(text) and not _looks_like_weights(path):
        return Source(
            text=text,
            kind=SourceKind.PIPELINE,
            repo=text,
            revision=revision,
            variant=variant,
            allow_pickle=allow_pickle,
        )
    missing = (
        phrase("“{source}” is neither a file nor a Hub ID. Hub IDs look like owner/name.")
        if _looks_like_weights(path)
        else phrase("“{source}” is neither a folder nor a Hub ID. Hub IDs look like owner/name.")
    )
    raise ModelUnavailable(say(missing, source=_shown(text)))


def whole_source(text: str) -> Source | None:
    """All of the repository or version that `text` names something in, also a folder.

    `None` if it is on this machine, or can't be anywhere.
    """
    if exists(expanded(text)):
        return None
    try:
        if (ref := civitai_ref(text)) is not None:
            return _civitai_source(text, ref)
        link = hub_link(text)
    except ModelUnavailable:
        return None
    found = IN_REPOSITORY.fullmatch(link.source if link else text)
    if found is None or not is_hub_id(found["repo"]):
        return None
    return Source(text=text, kind=SourceKind.PIPELINE, repo=found["repo"])


def _civitai_source(text: str, ref: CivitaiRef) -> Source:
    if ref.version is None:
        raise ModelUnavailable(
            say(
                "“{source}” doesn't say which version. Use the link of a version, with "
                "modelVersionId= in it, or civitai: and that number.",
                source=text,
            )
        )
    return Source(text=civitai_source(ref.version), kind=SourceKind.CHECKPOINT, civitai=ref.version)


def is_hub_id(repo: str) -> bool:
    """Whether the Hub allows this ID, whose parts `REPOSITORY` has matched."""
    try:
        validate_repo_id(repo)
    except HFValidationError:
        return False
    return True


def _shown(text: str) -> str:
    """The text for a sentence: what can't be printed is escaped, and the end left out if long."""
    printable = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return printable if len(printable) <= MAX_SHOWN else printable[:MAX_SHOWN] + "…"


def _kind_of_file(text: str, suffix: str, allow_pickle: bool) -> SourceKind:
    if suffix == ".gguf":
        return SourceKind.GGUF
    if suffix == ".safetensors" or (allow_pickle and suffix in PICKLES):
        return SourceKind.CHECKPOINT
    if suffix in PICKLES:
        raise ModelUnavailable(
            say(
                "“{source}” is a pickle, which can run any code when loaded. Use a "
                ".safetensors file, or allow pickles in the settings if you trust it.",
                source=text,
            )
        )
    raise ModelUnavailable(
        say("“{source}” isn't a model file. Use a .safetensors or .gguf file.", source=text)
    )


def _looks_like_weights(path: Path) -> bool:
    return path.suffix.lower() in PICKLES | {".safetensors", ".gguf"}
