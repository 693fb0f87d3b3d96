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
from engine.hub.civitai_disk import civitai_file
from engine.hub.civitai_links import SHORT
from engine.hub.local_files import index_in
from engine.hub.pipeline_class import PipelineClass, known_pipeline_class
from engine.hub.pipeline_layout import INDEX, MODULAR_INDEX
from engine.models.checkpoint import Checkpoint
from engine.models.checkpoints import checkpoint_of
from engine.models.families import FAMILIES, FamilyFacts, family_named_by
from engine.models.schedulers import allowed_schedulers
from engine.settings import ModelSettings
from speech import join_list, say

HUB_ID = re.compile(r"\w[\w.-]*/[\w.-]+")
FILE_ON_HUB = re.compile(rf"({HUB_ID.pattern})/([^\\:]+)")

SINGLE_FILES: Mapping[str, str] = MappingProxyType(
    {"conditioner.embedders.1.": "sdxl", "cond_stage_model.": "sd"}
)
"""Families by the prefix of a tensor that no other has."""

LONGEST_HEADER = 100_000_000
"""Bytes; what the safetensors format allows."""

UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""What reading a stranger's file may raise."""

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
        "whole": None,
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

WHOLE_MULTIPLE = 32
"""Sides of a model that runs whole are multiples of so many pixels: what the coarsest VAE needs."""


def fill_in(
    settings: ModelSettings, family: str | None = None, pipeline: str | None = None
) -> dict[str, Any]:
    """The fields of `engine.models.model.Model` but its name.

    Args:
        settings: What the owner has decided.
        family: That of its files, where they are not on disk but known.
        pipeline: Class name of its pipeline, likewise.

    Raises:
        InvalidModel: When the values do not go together.
    """
    checkpoint = checkpoint_of(settings.source)
    family = checkpoint.family if checkpoint else family
    if family is None:
        own = _pipeline_of_source(settings)
        if checkpoint is None:
            family = family_named_by(own) if own else _family_of_file(settings)
        pipeline = pipeline or own or (checkpoint.pipeline if checkpoint else None)
    facts = FAMILIES[family] if family else None
    whole = known_pipeline_class(pipeline) if pipeline and not family else None
    given = {key: value for key, value in settings.model_dump().items() if value is not None}
    values = dict(GENERIC) | {"family": family, "whole": whole}
    values |= _of_family(facts) | _of_whole(whole, given) | _of_checkpoint(checkpoint)
    own_side = facts.side if facts else whole and whole.side
    values |= _sides(given, checkpoint, own_side or SIDE) | given
    values |= {key: given.get(key) for key in FROM_SETTINGS}
    values["variant"] = values["variant"] or None
    _check(values)
    return values


def _family_of_file(settings: ModelSettings) -> str | None:
    """The family of a single file that lies on this machine, as far as its header tells.

    No network is used, and no weights are read; what is wrong with a file shows when it is loaded.
    """
    try:
        if (file := _file_of(settings)).suffix.lower() == ".safetensors":
            return _family_by_header(file)
    except UNREADABLE:
        pass
    return None


def _pipeline_of_source(settings: ModelSettings) -> str | None:
    """The class that the index of a source on this machine names, as far as it can be read."""
    try:
        if (file := _index_of(settings)) is not None:
            return str(json.loads(file.read_text("utf-8"))["_class_name"])
    except UNREADABLE:
        pass
    return None


def _family_by_header(file: Path) -> str | None:
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
        return folder / (index_in(folder) or INDEX)
    if not HUB_ID.fullmatch(settings.source):
        return None
    for index in (INDEX, MODULAR_INDEX):
        cached = try_to_load_from_cache(settings.source, index, revision=settings.revision)
        if isinstance(cached, str):
            return Path(cached)
    return None


def _file_of(settings: ModelSettings) -> Path:
    """A single file: as it is written, or as the cache has owner/name/file or a version."""
    ref = SHORT.fullmatch(settings.source)
    if ref and ref["version"] and (file := civitai_file(int(ref["version"]))) is not None:
        return file
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


def _of_whole(whole: PipelineClass | None, given: Mapping[str, Any]) -> dict[str, Any]:
    if whole is None:
        return {}
    sides = (given[key] for key in ("width", "height") if key in given)
    values = {
        "multiple_of": WHOLE_MULTIPLE if not any(side % WHOLE_MULTIPLE for side in sides) else None,
        "num_inference_steps": whole.num_inference_steps,
        "guidance_scale": whole.guidance_scale,
    }
    return {key: value for key, value in values.items() if value is not None}


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


def _sides(given: Mapping[str, Any], checkpoint: Checkpoint | None, usual: int) -> dict[str, int]:
    """Sizes in pixels; bounds that are not given make room for a default size that is."""
    side = (checkpoint and checkpoint.side) or usual
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
