"""The layers of the program: which modules may import which others.

Every import counts: those at the top of a file, in functions, and below `if TYPE_CHECKING`.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.imports import ROOT, circles, graph, imported, modules, syntax

PACKAGES = {
    "bot": {"cli"},
    "cli": {"cogs", "engine", "speech"},
    "cogs": {"engine", "speech"},
    "engine": {"speech"},
    "speech": set[str](),
    "training": set[str](),
    "benchmarks": {"engine", "speech", "training"},
}
"""The packages of the repository and which others each may import."""

TENSORS = {
    *("torch", "diffusers", "transformers", "accelerate", "peft"),
    *("safetensors", "numpy", "gguf", "cv2"),
}
SQL = {"aiosqlite", "sqlite3"}
DISCORD = {"discord", "aiohttp"}
OPTIONAL = {
    *("gguf", "bitsandbytes", "torchao", "spandrel", "einops", "prodigyopt", "sageattention"),
    *("torchvision", "pytest", "hypothesis", "jsonschema"),
    *("nats", "nkeys", "nacl", "msgpack", "cryptography"),
}
"""What `pip install -e .` doesn't bring."""

FEATURE = "cogs.*"
"""Stands for every folder of `cogs` that no layer names."""

COGS = (
    ("cogs", "cogs.bot", "cogs.tree", "cogs.sync"),
    (FEATURE,),
    ("cogs.requests",),
    ("cogs.messages",),
    ("cogs.policy",),
    ("cogs.adapter",),
    ("cogs.acts",),
    (
        *("cogs.context", "cogs.message_ref", "cogs.markdown"),
        *("cogs.discord_settings", "cogs.translator", "cogs.outages", "cogs.traffic"),
        "cogs.reloading",
    ),
    ("cogs.stored_values",),
)
"""The layers of `cogs`, the highest first: each may import itself and those below."""

ENGINE = (
    ("engine", "engine.open_studio"),
    (
        "engine.studio",
        "engine.services",
        "engine.workers",
        "engine.status",
        "engine.live_settings",
        "engine.left_behind",
    ),
    (
        "engine.training.open_trainings",
        *("engine.training.trainings", "engine.training.collection"),
        *("engine.training.scheduling", "engine.training.running"),
        *("engine.training.preparation", "engine.training.loras", "engine.training.publishing"),
    ),
    ("engine.training.runner",),
    ("engine.grids",),
    ("engine.jobs.submission", "engine.jobs.enlarging", "engine.jobs.processing"),
    ("engine.cluster.bot",),
    ("engine.cluster.worker",),
    ("engine.cluster.server",),
    ("engine.cluster.protocol",),
    ("engine.cluster",),
    ("engine.devices",),
    ("engine.safety", "engine.moderation", "engine.writing"),
    ("engine.jobs",),
    (
        *("engine.models", "engine.jobs.step_times", "engine.jobs.batch_sizes"),
        *("engine.training.bases", "engine.training.planning", "engine.training.process"),
        *("engine.training.outside.checking", "engine.training.outside.process"),
    ),
    ("engine.diffusion",),
    ("engine.training",),
    ("engine.images", "engine.prompts.style_book"),
    ("engine.store",),
    ("engine.training.training", "engine.training.request", "engine.training.dataset.duplicates"),
    (
        "engine.devices.messages",
        "engine.devices.executor_setup",
        "engine.devices.blame",
    ),
    ("engine.jobs.requester",),
    ("engine.jobs.context", "engine.jobs.rate_limits", "engine.jobs.hourly_use"),
    (
        *("engine.moderation.block", "engine.moderation.word_filter"),
        "engine.moderation.lookalikes",
        *("engine.moderation.word_lists", "engine.models.model_rules", "engine.prompts"),
    ),
    (
        *("engine.jobs.job", "engine.jobs.request", "engine.jobs.recipe"),
        *("engine.jobs.recipe_checks", "engine.grids.layout", "engine.safety.verdict"),
    ),
    ("engine.prompts.grammar",),
    ("engine.models.planning", "engine.models.origins", "engine.models.references"),
    (
        *("engine.models.catalogue", "engine.models.adapters", "engine.models.inspection"),
        *("engine.models.networks", "engine.models.controls"),
        "engine.models.ip_adapters",
    ),
    ("engine.models.model",),
    ("engine.models.defaults", "engine.models.known_components", "engine.models.names"),
    ("engine.memory",),
    ("engine.network_settings",),
    ("engine.settings", "engine.device_names"),
    (
        *("engine.models.checkpoints", "engine.models.families"),
        *("engine.models.schedulers", "engine.models.shortcuts"),
        *("engine.models.lora_families", "engine.models.embeddings"),
    ),
    ("engine.models.stable_diffusion_checkpoints", "engine.models.checkpoint"),
    ("engine.hub",),
    ("engine.processes",),
    (
        "engine.errors",
        *("engine.jobs.process", "engine.jobs.control"),
        "engine.jobs.reference_uses",
        "engine.tasks",
        "engine.atomic_write",
        "engine.background_thread",
        "engine.damage_log",
        "engine.folder_lock",
        "engine.private_files",
        "engine.stored_json",
        "engine.toml_text",
        "engine.sizes",
        "engine.local_paths",
    ),
)
"""The layers of `engine`. Of two entries that name a module, the longer one counts."""

Import = tuple[str, str]
"""Who imports, and what."""


def test_packages_import_only_those_below() -> None:
    wrong = [
        (name, other)
        for package, allowed in PACKAGES.items()
        for name, file in modules(package).items()
        for other in imported(file)
        if other.partition(".")[0] in {*PACKAGES, "tests"} - allowed - {package}
    ]
    assert not wrong, listed(wrong)


def test_cogs_knows_the_engine_by_its_public_face_alone() -> None:
    inner = set(modules("engine")) - {"engine"}
    wrong = [
        (name, other)
        for name, file in modules("cogs").items()
        for other in imported(file)
        if inner & {other, other.rpartition(".")[0]}
    ]
    assert not wrong, listed(wrong)


def test_each_library_stays_in_its_place() -> None:
    wrong = [
        *used(TENSORS, within=("cogs", "engine", "speech"), besides="engine.diffusion"),
        *used(SQL, within=("cogs", "engine", "speech"), besides="engine.store"),
        *used(DISCORD, within=("engine", "speech")),
    ]
    assert not wrong, listed(wrong)


def used(libraries: set[str], within: Sequence[str], besides: str = "-") -> Iterator[Import]:
    """Who imports one of them in these packages, other than below `besides`."""
    for name, file in modules(*within).items():
        for other in imported(file):
            if other.partition(".")[0] in libraries and not f"{name}.".startswith(f"{besides}."):
                yield name, other


def test_the_page_knows_neither_discord_nor_torch() -> None:
    """It reads the studio; the rest of `cli` tells it of the bot."""
    wrong = [
        (name, other)
        for name, file in modules("cli").items()
        if f"{name}.".startswith("cli.web.")
        for other in imported(file)
        if other.partition(".")[0] in {"cogs", *DISCORD, *TENSORS, *SQL}
        or (other.startswith("cli.") and not f"{other}.".startswith("cli.web."))
    ]
    assert not wrong, listed(wrong)


def test_the_bot_and_its_workers_know_only_what_crosses() -> None:
    """Each side may be another version, on another machine."""
    sides = ("engine.cluster.bot", "engine.cluster.worker")
    wrong = [
        (name, other)
        for side, there in (sides, sides[::-1])
        for name, others in graph("engine").items()
        for other in others
        if f"{name}.".startswith(f"{side}.") and f"{other}.".startswith(f"{there}.")
    ]
    assert not wrong, listed(wrong)


def test_importing_the_engine_and_cogs_loads_no_tensors() -> None:
    code = f"import sys, engine, cogs; print(*({TENSORS!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


@pytest.mark.slow
def test_everything_is_imported_without_what_is_optional() -> None:
    """`pip install` brings only what the program can't do without; a test machine has more."""
    needing = {
        "engine.cluster.server.encrypted_client"
    }  # imported where what is optional has been found
    code = f"""
import sys
for name in {sorted(OPTIONAL)}:
    sys.modules[name] = None  # any import of it fails
import importlib
for name in {sorted(modules("bot", "cli", "cogs", "engine", "speech").keys() - needing)}:
    importlib.import_module(name)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_every_module_is_in_a_layer() -> None:
    unplaced = [name for name in modules("cogs") if layer(name, COGS) is None]
    unplaced += [name for name in modules("engine") if layer(name, ENGINE) is None]
    assert not unplaced, f"Add to the layers of this test: {unplaced}"


def test_modules_import_only_what_is_below_them() -> None:
    wrong = [*upward("cogs", COGS), *to_features(), *upward("engine", ENGINE)]
    assert not wrong, listed(wrong)


def upward(package: str, layers: Sequence[Sequence[str]]) -> Iterator[Import]:
    """The imports that lead from a layer to a higher one."""
    imports = graph(package)
    for name, others in imports.items():
        for other in others:
            here, there = layer(name, layers), layer(other, layers)
            if here is not None and there is not None and there < here:
                yield name, other


def to_features() -> Iterator[Import]:
    """The imports of a feature of `cogs` by another one, or by the bot, which finds them itself."""
    for name, others in graph("cogs").items():
        for other in others:
            above = feature(name) or layer(name, COGS) == 0
            if above and feature(other) and feature(name) != feature(other):
                yield name, other


def layer(name: str, layers: Sequence[Sequence[str]]) -> int | None:
    """The number of the layer that a module is in, the highest being 0."""
    found = {entry: number for number, entries in enumerate(layers) for entry in entries}
    if feature(name):
        return found[FEATURE]
    parts = name.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 1, -1))
    return next((found[entry] for entry in (*prefixes, name) if entry in found), None)


def feature(name: str) -> str | None:
    """The folder of the feature in `cogs` that a module is part of."""
    folder = ".".join(name.split(".")[:2])
    named = {entry for entries in COGS for entry in entries}
    is_folder = modules("cogs").get(folder, Path()).name == "__init__.py"
    return folder if is_folder and folder not in named else None


def test_no_modules_import_each_other_in_a_circle() -> None:
    found = circles(graph("bot", "cli", "cogs", "engine", "speech"))
    assert not found, "\n".join(", ".join(circle) for circle in found)


def test_every_module_says_what_it_is_for() -> None:
    files = modules(*PACKAGES)
    silent = [name for name, file in files.items() if not ast.get_docstring(syntax(file))]
    assert not silent, "\n".join(silent)


def listed(imports: Sequence[Import]) -> str:
    """Imports, one a line."""
    return "\n".join(f"{name} imports {other}" for name, other in sorted(imports))
