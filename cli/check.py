"""`check`: would the bot run, and if not, what would help?"""

import asyncio
import importlib.metadata
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from rich.text import Text

from cli.console import out
from cli.errors import SettingsError
from cli.exits import Exit
from cli.lock import bot_is_running
from cli.models.catalogue import catalogue_of
from cli.settings import Settings, load_settings, settings_file
from cli.token import HOW_TO_GET_ONE, application_id
from engine import DeviceUnavailable, ModelUnavailable, StorageError
from engine.hub import Presence, human_size
from engine.hub.classifier_files import check_labels, classifier_here, labels_in
from engine.models.origins import disk_usage_of

LITTLE_DISK = 2e9
"""Bytes: with less than that on the disk there should be a word about it."""

NO_ROOM = 1e8
"""Bytes: with less than that nothing can be kept."""


class Mark(Enum):
    """How a finding looks: its sign and the sign's style."""

    GOOD = ("✓", "green")
    NOTE = ("!", "yellow")
    BAD = ("✗", "bold red")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the list; `advice` is what to do about it."""

    mark: Mark
    subject: str
    text: str
    advice: str = ""


def check(config: Path | None) -> Exit:
    """Show what was found; the exit code says whether the bot can run."""
    can_run = True
    for finding in _findings(config):
        sign, style = finding.mark.value
        out.print(Text.assemble((sign, style), f" {finding.subject:<10}{finding.text}"))
        for line in finding.advice.splitlines():
            out.print(f"  {'':10}{line}", style="dim")
        can_run = can_run and finding.mark is not Mark.BAD
    out.print()
    if not can_run:
        out.print("The bot cannot run: see each ✗ above.", style="bold red")
        return Exit.CANNOT_RUN
    out.print("The bot can run: python bot.py", style="green")
    return Exit.FINE


def _findings(config: Path | None) -> Iterator[Finding]:
    try:
        settings = load_settings(config)
    except SettingsError as error:
        for problem in error.problems:
            yield Finding(Mark.BAD, "settings", problem)
        return
    file = settings_file(config)
    yield Finding(Mark.GOOD, "settings", str(file) if file else "the defaults: no config.toml here")
    yield _token(settings)
    yield from _storage(settings.storage.path)
    yield from _device(settings)
    yield from _models(settings)
    yield from _classifier(settings)
    yield _versions()


def _token(settings: Settings) -> Finding:
    if settings.discord.token is None:
        first, _, steps = HOW_TO_GET_ONE.partition("\n")
        return Finding(Mark.BAD, "token", first, steps)
    application = application_id(settings.discord.token.get_secret_value())
    if application is None:
        return Finding(
            Mark.BAD,
            "token",
            "It does not look like a bot's token: three parts with dots between them.",
            "The client secret and the public key are something else. Take it from the page Bot.",
        )
    return Finding(Mark.GOOD, "token", f"that of application {application}")


def _storage(folder: Path) -> Iterator[Finding]:
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Finding(
            Mark.BAD,
            "storage",
            f"{folder} cannot be written to.",
            "Change who owns it, or set [storage] path to another folder.",
        )
        return
    in_use = ", in use by an Atelier that runs now" if bot_is_running(folder) else ""
    yield Finding(Mark.GOOD, "storage", f"{folder}{in_use}")
    free = shutil.disk_usage(there).free
    text = f"{human_size(free)} free"
    if free < NO_ROOM:
        yield Finding(Mark.BAD, "disk", text, "Make room: the pictures could not be kept.")
    elif free < LITTLE_DISK:
        yield Finding(Mark.NOTE, "disk", text, "A model from the Hub takes several GB.")
    else:
        yield Finding(Mark.GOOD, "disk", text)


def _device(settings: Settings) -> Iterator[Finding]:
    """What pictures would be painted on. Importing torch takes its seconds here."""
    import torch

    from engine.diffusion import Device

    try:
        device = Device.choose(settings.engine).name
    except DeviceUnavailable as error:
        advice = (
            'Install the driver and a CUDA build (https://pytorch.org), or set device = "auto".'
        )
        yield Finding(Mark.BAD, "device", str(error), advice)
        return
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        name = torch.cuda.get_device_name(device)
        yield Finding(Mark.GOOD, "device", f"{device}, {name}")
        yield Finding(Mark.GOOD, "memory", f"{human_size(free)} of {human_size(total)} free on it")
    elif device.type == "mps":
        yield Finding(Mark.GOOD, "device", "mps, the Apple GPU")
    else:
        text = f"the CPU with {os.cpu_count()} cores: fine for sketch, slow for larger models"
        yield Finding(Mark.GOOD, "device", text)
    yield _memory()


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
            text = f"{subject}{usage.presence}; that happens when it is first used"
            yield Finding(
                Mark.NOTE, "model", text, f"In advance: python bot.py models add {model.name}"
            )
        else:
            yield Finding(
                Mark.BAD,
                "model",
                f"{subject}{usage.presence}: {model.source}",
                "A source is a Hub id, or a folder in the Diffusers layout with all its parts.",
            )


def _classifier(settings: Settings) -> Iterator[Finding]:
    """Whether pictures can be looked at, where the owner wants that. Nothing is loaded."""
    safety = settings.safety
    if safety.classifier is None:
        return
    advice = "Until then pictures are hidden as spoilers, outside of age-restricted channels."
    try:
        folder = classifier_here(safety.classifier)
        if folder is not None:
            check_labels(safety.labels, labels_in(folder))
    except ModelUnavailable as error:
        yield Finding(Mark.NOTE, "safety", str(error), advice)
        return
    if folder is None:
        text = f"{safety.classifier}: not downloaded; that happens with the first picture"
        yield Finding(Mark.NOTE, "safety", text)
    else:
        what = f"{', '.join(safety.labels)} from {safety.threshold:g} on"
        yield Finding(Mark.GOOD, "safety", f"{safety.classifier}: {what}")


def _versions() -> Finding:
    names = ("torch", "diffusers", "transformers", "discord.py")
    found = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return Finding(Mark.GOOD, "versions", found)
