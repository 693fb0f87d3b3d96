"""What the settings leave open about a model, filled in from what is known of it.

A value in the settings comes first, then the table of checkpoints, then what is true of the
family, then what would do for most models.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from huggingface_hub import try_to_load_from_cache

from engine.errors import InvalidModel
from engine.models.checkpoints import Checkpoint, checkpoint_of
from engine.models.families import FAMILIES, FamilyFacts, family_named_by
from engine.models.schedulers import allowed_schedulers
from engine.settings import ModelSettings
from speech import join_list, say

INDEX = "model_index.json"

HUB_ID = re.compile(r"\w[\w.-]*/[\w.-]+")
FILE_ON_HUB = re.compile(rf"({HUB_ID.pattern})/([^\\:]+)")

SINGLE_FILES: Mapping[str, str] = MappingProxyType(
    {"conditioner.embedders.1.": "sdxl", "cond_stage_model.": "sd"}
)
"""Families by the prefix of a tensor that no other has."""

LONGEST_HEADER = 100_000_000
"""Bytes; what the safetensors format allows."""

FROM_SETTINGS = (
    "source",
    "denoiser",
    "revision",
    "offload",
    "quantize",
    "quantize_text_encoder",
)
"""What only the settings can tell."""

GENERIC: Mapping[str, Any] = MappingProxyType(
    {
        "description": "",
        "family": None,
        "variant": None,
        "dtype": "auto",
        "multiple_of": 8,
        "num_inference_steps": 25,
        "max_steps": 150,
        "guidance_scale": 7.0,
        "scheduler": "default",
        "scheduler_options": MappingProxyType({}),
        "licence": None,
        "gated": False,
        "download_bytes": None,
    }
)

SIDE = 512
"""Pixels a side that most models can paint."""


def fill_in(settings: ModelSettings, family: str | None = None) -> dict[str, Any]:
    """The fields of `engine.models.catalogue.Model` but its name.

    Args:
        settings: What the owner has decided.
        family: That of its files, where they are not on disk but known.

    Raises:
        InvalidModel: When the values do not go together.
    """
    checkpoint = checkpoint_of(settings.source)
    family = checkpoint.family if checkpoint else family or family_of_source(settings)
    facts = FAMILIES[family] if family else None
    given = {key: value for key, value in settings.model_dump().items() if value is not None}
    values = dict(GENERIC) | {"family": family} | _of_family(facts) | _of_checkpoint(checkpoint)
    values |= _sides(given, checkpoint, facts) | given
    values |= {key: given.get(key) for key in FROM_SETTINGS}
    values["variant"] = values["variant"] or None
    _check(values)
    return values


def family_of_source(settings: ModelSettings) -> str | None:
    """The family of a source that lies on this machine, as far as its index or header tells.

    No network is used, and no weights are read; what is wrong with a file shows when it is loaded.
    """
    try:
        if (file := _index_of(settings)) is not None:
            index = json.loads(file.read_text("utf-8"))
            return family_named_by(str(index["_class_name"]))
        if settings.source.lower().endswith(".safetensors"):
            return _family_of_file(_file_of(settings))
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
        RecursionError,
    ):
        pass
    return None


def _family_of_file(file: Path) -> str | None:
    """By the text encoders in a checkpoint of the A1111/ComfyUI kind.

    The file begins with the length of a JSON header, in 8 bytes, and that header.
    """
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        names = json.loads(stream.read(min(length, LONGEST_HEADER)))
    for prefix, family in SINGLE_FILES.items():
        if any(name.startswith(prefix) for name in names):
            return family
    return None


def _index_of(settings: ModelSettings) -> Path | None:
    folder = Path(settings.source)
    if folder.is_dir():
        return folder / INDEX
    if not HUB_ID.fullmatch(settings.source):
        return None
    cached = try_to_load_from_cache(settings.source, INDEX, revision=settings.revision)
    return Path(cached) if isinstance(cached, str) else None


def _file_of(settings: ModelSettings) -> Path:
    """A single file: as it is written, or as the cache of the Hub has owner/name/file."""
    on_hub = FILE_ON_HUB.fullmatch(settings.source)
    if on_hub and not Path(settings.source).is_file():
        cached = try_to_load_from_cache(on_hub[1], on_hub[2], revision=settings.revision)
        if isinstance(cached, str):
            return Path(cached)
    return Path(settings.source)


def _of_family(facts: FamilyFacts | None) -> dict[str, Any]:
    if facts is None:
        return {}
    return {
        "multiple_of": facts.multiple_of,
        "num_inference_steps": facts.num_inference_steps,
        "guidance_scale": facts.guidance_scale,
    }


def _of_checkpoint(checkpoint: Checkpoint | None) -> dict[str, Any]:
    known = {
        key: getattr(checkpoint, key, None)
        for key in (
            "description",
            "licence",
            "gated",
            "num_inference_steps",
            "guidance_scale",
            "max_steps",
            "scheduler",
            "scheduler_options",
            "variant",
            "dtype",
            "download_bytes",
        )
    }
    return {key: value for key, value in known.items() if value is not None}


def _sides(
    given: Mapping[str, Any], checkpoint: Checkpoint | None, facts: FamilyFacts | None
) -> dict[str, int]:
    """Sizes in pixels; bounds that are not given make room for a default size that is."""
    side = (checkpoint and checkpoint.side) or (facts.side if facts else SIDE)
    least = (checkpoint and checkpoint.min_side) or side // 2
    most = (checkpoint and checkpoint.max_side) or side * 3 // 2
    asked = [given[key] for key in ("width", "height", "min_side", "max_side") if key in given]
    least = given.get("min_side", min([least, *asked]))
    most = given.get("max_side", max([most, *asked]))
    fitting = min(max(side, least), most)
    return {"width": fitting, "height": fitting, "min_side": least, "max_side": most}


def _check(values: Mapping[str, Any]) -> None:
    low, high, multiple = values["min_side"], values["max_side"], values["multiple_of"]
    for side in ("width", "height"):
        if not low <= values[side] <= high or values[side] % multiple:
            raise InvalidModel(
                say(
                    "{side} {pixels} must be between min_side {low} and max_side {high}, and a "
                    "multiple of {multiple}.",
                    side=side,
                    pixels=values[side],
                    low=low,
                    high=high,
                    multiple=multiple,
                )
            )
    names = allowed_schedulers(values["family"])
    if values["scheduler"] not in names:
        raise InvalidModel(
            say(
                "The scheduler “{scheduler}” doesn't work with this kind of model. Available: "
                "{fitting}.",
                scheduler=values["scheduler"],
                fitting=join_list(names),
            )
        )
