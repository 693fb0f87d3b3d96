"""What has to follow the settings."""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic_core import PydanticUndefined

from cli.log_settings import LogSettings
from cli.settings import Settings
from cli.web.settings import WebSettings
from cogs import Atelier
from cogs.discord_settings import DiscordSettings, LimitSettings, RoleLimits
from engine import (
    AdapterSettings,
    BackgroundSettings,
    ClusterSettings,
    ControlSettings,
    DescribeSettings,
    EngineSettings,
    IPAdapterSettings,
    MapSettings,
    ModelSettings,
    PromptSettings,
    SafetySettings,
    StorageSettings,
    TrainingSettings,
    UpscalerSettings,
    WorkerSettings,
)
from engine.models.schedulers import SCHEDULERS
from engine.settings import Section, names_files
from tests.pages import ROOT, Page, code, rows

EXAMPLE = ROOT / "config.example.toml"
COMMENTED = re.compile(r"^#(?=\[|\w+ = )", re.MULTILINE)

OWNERS: dict[str, type[Section]] = {
    "discord": DiscordSettings,
    "storage": StorageSettings,
    "log": LogSettings,
    "limits": LimitSettings,
    "safety": SafetySettings,
    "engine": EngineSettings,
    "background": BackgroundSettings,
    "describe": DescribeSettings,
    "prompts": PromptSettings,
    "maps": MapSettings,
    "training": TrainingSettings,
    "web": WebSettings,
}

CLUSTER: dict[str, type[Section]] = {"cluster": ClusterSettings, "worker": WorkerSettings}

SECTIONS = OWNERS | CLUSTER

MANUAL: dict[str, dict[str, type[Section]]] = {
    "owners.md": OWNERS,
    "cluster.md": CLUSTER,
    "models.md": {
        "models": ModelSettings,
        "adapters": AdapterSettings,
        "upscalers": UpscalerSettings,
        "controls": ControlSettings,
        "ip_adapters": IPAdapterSettings,
    },
}
"""The pages of the manual with tables of settings, by section."""

PLAIN_TEXTS = {
    *("description", "licence", "trigger", "revision", "variant", "device"),
    *("default_model", "draft_model", "api_url", "proxy", "hub_url", "civitai_url", "labels"),
    *("hours", "listen", "address", "url", "pause_when", "command"),
}
"""Settings whose text names no files."""


def in_force() -> str:
    """The example with its commented settings put in force."""
    return COMMENTED.sub("", EXAMPLE.read_text("utf-8"))


def everything() -> dict[str, Any]:
    """All settings of the example."""
    return tomllib.loads(in_force())


async def unmarked(_: Atelier) -> list[str]:
    """Settings with a text of which nobody has said whether it names files."""
    sections = SECTIONS | MANUAL["models.md"] | {"limits.roles": RoleLimits}
    missing = [f"[{name}] is in no table" for name in Settings.model_fields if name not in sections]
    return missing + [
        f"[{name}] {key}"
        for name, section in sections.items()
        for key, field in section.model_fields.items()
        if str in (field.annotation, *get_args(field.annotation))
        and not names_files(field)
        and key not in PLAIN_TEXTS
    ]


async def missing_in_example(_: Atelier) -> list[str]:
    """Settings that the example lacks or states wrongly, and values that it doesn't name."""
    text, full = EXAMPLE.read_text("utf-8"), everything()
    stated = tomllib.loads(text)
    lines = text.splitlines()
    return [
        *(f"[{name}] is missing" for name in Settings.model_fields.keys() - full.keys()),
        *_keys("limits.roles", _first(full.get("limits", {}).get("roles", {})), RoleLimits),
        *_keys("models", _first(full.get("models", {})), ModelSettings),
        *_keys("adapters", _first(full.get("adapters", {})), AdapterSettings),
        *_keys("upscalers", _first(full.get("upscalers", {})), UpscalerSettings),
        *_keys("controls", _first(full.get("controls", {})), ControlSettings),
        *_keys("ip_adapters", _first(full.get("ip_adapters", {})), IPAdapterSettings),
        *(line for name in SECTIONS for line in _keys(name, full.get(name, {}), SECTIONS[name])),
        *(line for name in SECTIONS for line in _wrong(name, stated.get(name, {}))),
        *(
            f"{line}: nothing says what it's for"
            for before, line in itertools.pairwise(lines)
            if re.match(r"\w+ = ", line) and not before.startswith("# ")
        ),
        *(f"{name} isn't named" for name in SCHEDULERS if not re.search(rf"[ \"]{name}\b", text)),
    ]


def _first(entries: Mapping[str, Any]) -> Mapping[str, Any]:
    """The entry that shows every key."""
    return next(iter(entries.values()), {})


def _keys(name: str, there: Mapping[str, Any], section: type[Section]) -> Iterator[str]:
    for key in section.model_fields.keys() - there.keys():
        yield f"[{name}] {key} is missing"
    for key in there.keys() - section.model_fields.keys():
        yield f"[{name}] {key} doesn't exist"


def _wrong(name: str, stated: dict[str, Any]) -> Iterator[str]:
    """Defaults that are stated otherwise; a setting without one stays commented."""
    real = {key: value for key, value in defaults(SECTIONS[name]).items() if value is not None}
    for key in sorted(real.keys() | stated.keys()):
        if key in SECTIONS[name].model_fields and stated.get(key) != real.get(key):
            yield f"[{name}] {key} has the default {real.get(key)!r}"


async def undocumented(_: Atelier) -> Iterator[str]:
    """Settings that the manual lacks, or gives other defaults."""
    return (
        f"{folder / page}: {line}"
        for folder in (Path("docs"), Path("docs", "zh-CN"))
        for page, line in _undocumented(folder)
    )


def _undocumented(folder: Path) -> Iterator[tuple[str, str]]:
    for page, sections in MANUAL.items():
        for name, section in sections.items():
            listed = max(
                (_listed(part) for part in Page(folder / page).sections),
                key=lambda there: len(there.keys() & section.model_fields.keys()),
            )
            yield from ((page, line) for line in _keys(name, listed, section))
            for key, default in defaults(section).items():
                stated = listed.get(key)
                if stated is not None and stated != _toml(default):
                    yield page, f"[{name}] {key} has the default {_toml(default)}"


def _listed(part: str) -> dict[str, str | None]:
    """The settings in the tables of a section, with their defaults where there is a column."""
    found: dict[str, str | None] = {}
    for names, *cells in rows(part):
        found |= dict.fromkeys(code(names), cells[0].strip("`") if len(cells) > 1 else None)
    return found


def _toml(value: Any) -> str:
    """A default as it stands in a table."""
    return "" if value is None else json.dumps(value)


def defaults(section: type[Section]) -> dict[str, Any]:
    """The default of each setting as TOML has it; `None` where there is none worth saying."""
    nothing: tuple[Any, ...] = (None, PydanticUndefined, "", {})
    values = {name: field.default for name, field in section.model_fields.items()}
    return {
        name: None if value in nothing else _plain(value)  # an empty list is a default, too
        for name, value in values.items()
    }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value
