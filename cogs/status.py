"""/status: how the bot is doing, for the one who looks after it."""

import importlib.metadata
import platform
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from cogs.cards import shortened
from cogs.policy import require_owner
from cogs.replies import reply
from engine import DeviceFacts, Report, Studio, human_size

if TYPE_CHECKING:
    from cogs.bot import Atelier

PACKAGES = ("atelier", "torch", "diffusers", "transformers", "discord.py")
"""Whose versions are told, read from what is installed: nothing is imported for it."""

NO_LIMIT = 2**60
"""Bytes beyond which a device tells no amount."""


class StatusCommand(commands.Cog, name="Status"):
    """The command about the bot itself."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._started = time.time()

    @app_commands.command()
    @app_commands.guild_only()
    async def status(self, interaction: "discord.Interaction[Atelier]") -> None:
        """Show device, memory, plan, queue, throughput, failures and versions"""
        require_owner(interaction, "Only the owner of this bot sees how it runs: ask them.")
        await interaction.response.defer(ephemeral=True, thinking=True)
        report = await self._studio.report()
        await reply(interaction, "\n".join(lines(report, self._started)))


def lines(report: Report, started: float) -> Iterator[str]:
    """The report in words; `started` is in seconds since the epoch."""
    if report.device is not None:
        yield f"**Device** {device_line(report.device)}"
    yield f"**Model** {report.model}"
    if report.plan is not None:
        yield f"**Plan** {report.plan.summary}. Expected peak: {report.plan.peak}"
    yield from (f"⚠️ {problem}" for problem in report.problems)
    yield f"**Queue** {report.running} being painted, {report.waiting} waiting"
    tally = report.tally
    pictures = "picture" if tally.pictures == 1 else "pictures"
    jobs = "job" if tally.jobs == 1 else "jobs"
    yield f"**Last hour** {tally.pictures} {pictures} in {tally.jobs} {jobs}"
    yield f"**Failed within a day** {tally.failed}"
    for failure in tally.failures:
        reason = discord.utils.escape_markdown(shortened(failure.sentence, 120))
        yield f"-# <t:{int(failure.at)}:R> job {failure.job_id}: {reason}"
    yield f"**Up since** <t:{int(started)}:R>"
    yield f"-# {' · '.join(versions())}"


def device_line(device: DeviceFacts) -> str:
    """The device, and the memory that it has and has left."""
    parts = [device.name if device.kind in device.name else f"{device.name} ({device.kind})"]
    if device.total_bytes < NO_LIMIT:
        parts.append(f"{human_size(device.free_bytes)} of {human_size(device.total_bytes)} free")
    if device.ram_free_bytes < NO_LIMIT:
        parts.append(f"RAM {human_size(device.ram_free_bytes)} free")
    return " · ".join(parts)


def versions() -> Iterator[str]:
    """Python and the packages that matter, each with its version."""
    yield f"Python {platform.python_version()}"
    for name in PACKAGES:
        yield f"{name} {_version(name)}"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
