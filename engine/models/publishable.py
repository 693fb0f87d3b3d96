"""What of the owner's own can be published on the Hub: a LoRA's file, or a folder with a model."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from huggingface_hub import ModelCard
from yaml import YAMLError

from engine.errors import InvalidModel
from engine.hub.damage import damage_of
from engine.hub.local_files import local_layout
from engine.hub.lora_files import lora_file, lora_source
from engine.hub.model_card import CARD, MARK
from engine.hub.sources import Source, SourceKind
from engine.hub.tensor_headers import read_safetensors, safetensors_metadata
from engine.models.adapters import Adapter
from engine.models.families import FAMILIES, family_named_by
from engine.models.trained_on import trained_on
from speech import say

PREVIEWS = (".png", ".preview.png", ".jpg", ".jpeg", ".webp")
"""Endings of pictures beside a LoRA that show what it does, as other programs name them."""

TERMS = ("LICENSE*", "LICENCE*", "NOTICE*")
"""Files beside a model that belong to its licence."""

FOLDER = re.compile(r"(?:^|[\s\"'=:])(?:[A-Za-z]:[\\/]|/(?:home|Users|root|mnt|media)/)[^\s\"']*")
"""A path of somebody's machine."""


SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "ss_steps": "Steps",
        "ss_network_dim": "Rank",
        "ss_network_alpha": "Alpha",
        "ss_learning_rate": "Learning rate",
        "ss_optimizer": "Optimizer",
        "modelspec.resolution": "Resolution",
        "ss_seed": "Seed",
    }
)
"""How a LoRA was trained: keys of its metadata, and what they are called in the model card."""

MAX_SETTING = 100
"""Characters; what is longer isn't a setting's plain value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishable:
    """Something that can be published.

    Attributes:
        name: Its name here.
        files: Files by their path in the repository.
        is_lora: Whether it's a LoRA.
        family: Its family in `FAMILIES`; `None` if unclear.
        pipeline: Diffusers' class that paints with it.
        base_model: Hub ID of what it was trained on, if that shows.
        trigger: Words that it answers to.
        description: What its file says that it's about.
        previews: Pictures beside it.
        card: The card that the owner wrote; `None` without one.
        licence: The identifier of the licence in that card.
        prompts: Those of previews whose files don't tell.
        sheet: A picture of how it learnt.
        settings: How it was trained, by what people call it.
        revealing: Keys of its metadata that name folders of this machine.
        of_member: Whether somebody trained it in Discord, on pictures of theirs.
    """

    name: str
    files: Mapping[str, Path]
    is_lora: bool
    family: str | None = None
    pipeline: str = "DiffusionPipeline"
    base_model: str | None = None
    trigger: str = ""
    description: str = ""
    previews: tuple[Path, ...] = ()
    card: str | None = None
    licence: str | None = None
    prompts: Mapping[Path, str] = field(default_factory=dict)
    sheet: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    revealing: tuple[str, ...] = ()
    of_member: bool = False


def publishable_lora(adapter: Adapter, family: str | None) -> Publishable:
    """A LoRA of the catalogue that is a file of the owner's. Blocks.

    Raises:
        InvalidModel: It came from elsewhere.
        ModelUnavailable: Its file isn't there or is damaged.
    """
    if lora_source(adapter.source).is_remote:
        raise _published_already(adapter.name, adapter.source)
    file = lora_file(adapter.source)
    _require_sound(file)
    metadata = safetensors_metadata(file)
    facts = FAMILIES.get(family or "")
    beside = (file.with_name(f"{file.stem}{ending}") for ending in PREVIEWS)
    return Publishable(
        name=adapter.name,
        files={file.name: file},
        is_lora=True,
        family=family,
        pipeline=facts.pipelines[0] if facts else "DiffusionPipeline",
        base_model=trained_on(metadata, read_safetensors(file), family),
        trigger=adapter.trigger or metadata.get("modelspec.trigger_phrase", "").strip(),
        description=metadata.get("modelspec.description", "").strip(),
        previews=tuple(each for each in beside if each.is_file()),
        settings=_settings(metadata),
        revealing=tuple(sorted(key for key in metadata if FOLDER.search(metadata[key]))),
        of_member=adapter.scope is not None,
    )


def _settings(metadata: Mapping[str, str]) -> dict[str, str]:
    """What the metadata says of the training, in a few words each."""
    found = {name: metadata.get(key, "").strip() for key, name in SETTINGS.items()}
    return {
        name: value
        for name, value in found.items()
        if value and value.isprintable() and len(value) <= MAX_SETTING
    }


def publishable_model(name: str, source: Source) -> Publishable:
    """A Diffusers pipeline in a folder of the owner's; only the files it's loaded from. Blocks.

    Raises:
        InvalidModel: It came from elsewhere, or isn't a folder.
        ModelUnavailable: It isn't complete.
    """
    if source.path is None:
        raise _published_already(name, source.text)
    if source.kind is not SourceKind.PIPELINE:
        raise InvalidModel(
            say(
                "“{name}” is a single file. Only folders with a Diffusers pipeline can be "
                "published.",
                name=name,
            )
        )
    folder = source.path
    layout = local_layout(folder, source)
    if layout.lacks:
        raise InvalidModel(
            say(
                "{folder} is incomplete. Missing: {lacks}.",
                folder=folder,
                lacks=", ".join(layout.lacks),
            )
        )
    terms = [file.name for pattern in TERMS for file in sorted(folder.glob(pattern))]
    files = {each: folder / each for each in (*layout.files, *terms) if (folder / each).is_file()}
    files.pop(CARD, None)
    for file in files.values():
        _require_sound(file)
    card, licence = _own_card(folder / CARD)
    return Publishable(
        name=name,
        files=files,
        is_lora=False,
        family=family_named_by(layout.pipeline),
        pipeline=layout.pipeline,
        card=card,
        licence=licence,
    )


def _own_card(file: Path) -> tuple[str | None, str | None]:
    """The card that the owner wrote, tagged as published from here; and its licence."""
    try:
        card = ModelCard(file.read_text("utf-8"))
    except (OSError, ValueError, YAMLError):
        return None, None
    licence = card.data.get("license")
    if not licence:
        return None, None
    card.data["tags"] = list(dict.fromkeys([*(card.data.get("tags") or ()), MARK]))
    return str(card), str(licence)


def _require_sound(file: Path) -> None:
    if (damage := damage_of(file)) is not None:
        raise InvalidModel(damage)


def _published_already(name: str, source: str) -> InvalidModel:
    return InvalidModel(
        say(
            "“{name}” came from {source} and is published there already. Only files and folders "
            "of your own can be published.",
            name=name,
            source=source,
        )
    )
