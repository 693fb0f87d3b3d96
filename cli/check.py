"""`check`: whether the bot can run, and what to fix if not."""

import asyncio
import importlib.metadata
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cli.check_cluster import cluster, worker
from cli.check_networks import (
    background,
    classifier,
    control_networks,
    draft_model,
    ip_adapters,
    map_models,
    upscalers,
    writers,
)
from cli.console import out
from cli.errors import SettingsError
from cli.exits import Exit
from cli.findings import Finding, Mark, show
from cli.lock import bot_is_running, why_not_lockable
from cli.models.catalogue import catalogue_of
from cli.program import program
from cli.settings import Settings, load_settings, settings_file
from cli.token import MALFORMED, WHERE_TO_COPY, application_id, how_to_get_one
from cli.torch_builds import unused_cards
from cli.writable import nearest_folder, why_not_writable
from engine import DeviceUnavailable, DiskUsage, EngineSettings, Model, StorageError, human_size
from engine.hub import Presence
from engine.models.origins import disk_usage_of

LOW_DISK = 2e9
"""Free bytes below which to warn."""

FULL_DISK = 1e8
"""Free bytes below which pictures can't be saved."""


def check(config: Path | None) -> Exit:
    """Print the report; the exit code says whether the bot can run."""
    can_run = True
    for finding in _findings(config):
        show(finding)
        can_run = can_run and finding.mark is not Mark.BAD
    out.print()
    if not can_run:
        out.print("The bot can't run. Fix each ✗ above.", style="bold red")
        return Exit.CANNOT_RUN
    out.print(f"The bot can run: {program()}", style="green")
    return Exit.FINE


def _findings(config: Path | None) -> Iterator[Finding]:
    try:
        settings = load_settings(config)
    except SettingsError as error:
        for problem in error.problems:
            yield Finding(Mark.BAD, "settings", problem)
        return
    file = settings_file(config)
    yield Finding(Mark.GOOD, "settings", str(file) if file else "defaults (no config.toml here)")
    yield _token(settings)
    yield from _storage(settings.storage.path)
    yield from device_findings(settings.engine)
    yield from _models(settings)
    yield from classifier(settings)
    yield from draft_model(settings)
    yield from upscalers(settings)
    yield from control_networks(settings)
    yield from map_models(settings)
    yield from ip_adapters(settings)
    yield from background(settings)
    yield from writers(settings)
    yield from cluster(settings)
    yield from worker(settings)
    yield _versions()


def _token(settings: Settings) -> Finding:
    if settings.discord.token is None:
        first, _, steps = how_to_get_one().partition("\n")
        return Finding(Mark.BAD, "token", first, steps)
    application = application_id(settings.discord.token.get_secret_value())
    if application is None:
        return Finding(Mark.BAD, "token", MALFORMED, WHERE_TO_COPY)
    return Finding(Mark.GOOD, "token", f"for application {application}")


def _storage(folder: Path) -> Iterator[Finding]:
    if (reason := why_not_writable(folder) or why_not_lockable(folder)) is not None:
        yield Finding(
            Mark.BAD,
            "storage",
            f"{folder} can't be used: {reason}.",
            "Change its owner, or set [storage] path to another folder.",
        )
        return
    in_use = " (in use by a running bot)" if bot_is_running(folder) else ""
    yield Finding(Mark.GOOD, "storage", f"{folder}{in_use}")
    free = shutil.disk_usage(nearest_folder(folder)).free
    text = f"{human_size(free)} free"
    if free < FULL_DISK:
        yield Finding(Mark.BAD, "disk", text, "Free some space, or pictures can't be saved.")
    elif free < LOW_DISK:
        yield Finding(Mark.NOTE, "disk", text, "Models from the Hub take several GB each.")
    else:
        yield Finding(Mark.GOOD, "disk", text)


def device_findings(settings: EngineSettings) -> Iterator[Finding]:
    """The devices pictures are painted on. Imports torch, which takes seconds."""
    names = settings.devices
    found = [finding for name in names for finding in _device(settings.on(name), name)]
    if sum(finding.mark is Mark.BAD for finding in found) == len(names):
        yield from found
        return
    for finding in found:
        if finding.mark is Mark.BAD:
            advice = "The other devices paint. If it stays away, take it out of the list."
            finding = replace(finding, mark=Mark.NOTE, advice=advice)
        yield finding
    yield _memory()


def _device(settings: EngineSettings, name: str) -> Iterator[Finding]:
    import torch

    from engine.diffusion import Device

    try:
        device = Device.choose(settings).name
    except DeviceUnavailable as error:
        yield Finding(Mark.BAD, "device", str(error), 'Until it is there, set device = "auto".')
        yield from unused_cards(torch)
        return
    if device.type in ("cuda", "xpu"):
        backend = getattr(torch, device.type)
        free, total = backend.mem_get_info(device)
        name = backend.get_device_name(device)
        yield Finding(Mark.GOOD, "device", f"{device}, {name}")
        yield Finding(Mark.GOOD, "memory", f"{human_size(free)} of {human_size(total)} VRAM free")
    elif device.type == "mps":
        yield Finding(Mark.GOOD, "device", "mps, the Apple GPU, whose memory is RAM")
        most = human_size(torch.mps.recommended_max_memory())
        yield Finding(Mark.GOOD, "memory", f"{most} of RAM at most, as Metal advises")
    else:
        text = f"the CPU, {os.cpu_count()} cores: fine for sketch, slow for larger models"
        yield Finding(Mark.GOOD, "device", text)
        if name == "auto":
            yield from unused_cards(torch)


def _memory() -> Finding:
    import psutil

    memory = psutil.virtual_memory()
    text = f"{human_size(memory.available)} of {human_size(memory.total)} RAM free"
    return Finding(Mark.GOOD, "memory", text)


def _models(settings: Settings) -> Iterator[Finding]:
    try:
        catalogue = asyncio.run(catalogue_of(settings))
    except StorageError as error:
        yield Finding(Mark.BAD, "models", str(error))
        return
    for model in catalogue:
        usage = disk_usage_of(model, allow_pickle=settings.engine.allow_pickle)
        subject = f"{model.name}: "
        if usage.presence is Presence.COMPLETE:
            yield Finding(Mark.GOOD, "model", f"{subject}on disk, {human_size(usage.size)}")
        elif usage.presence.downloads:
            text = f"{subject}{usage.presence}; downloads on first use"
            yield Finding(
                Mark.NOTE,
                "model",
                text,
                f"Download it now: {program()} models add {model.name}",
            )
        else:
            yield _unusable(model, usage)


def _unusable(model: Model, usage: DiskUsage) -> Finding:
    """What is wrong with the files of a model, or with what its source or denoiser names."""
    if model.denoiser and any(model.denoiser in str(error) for error in usage.errors):
        return Finding(Mark.BAD, "model", f"{model.name}: {' '.join(map(str, usage.errors))}")
    lacks = f" Missing: {', '.join(usage.lacks)}." if usage.lacks else ""
    return Finding(
        Mark.BAD,
        "model",
        f"{model.name}: {usage.presence}: {model.source}.{lacks}",
        "A source is a Hub ID, or a complete folder in the Diffusers layout.",
    )


def _versions() -> Finding:
    names = ("torch", "diffusers", "transformers", "discord.py")
    found = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return Finding(Mark.GOOD, "versions", found)
