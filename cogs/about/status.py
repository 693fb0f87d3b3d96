"""/status: how the bot is running, for its owner."""

import importlib.metadata
import platform
import time
from collections.abc import Iterator

from discord import app_commands
from discord.ext import commands

from cogs.context import Interaction
from cogs.markdown import escaped_line, in_markdown
from cogs.messages.replies import reply
from cogs.policy.access import require_owner
from engine import DeviceFacts, DeviceState, Studio, StudioReport, human_size
from speech import say, say_many

PACKAGES = ("atelier", "torch", "diffusers", "transformers", "discord.py")
"""The packages whose installed versions are shown."""

MOST_DEVICES = 10
"""Devices that are told about one by one; `/workers` shows all of them."""

UNLIMITED_BYTES = 2**60
"""Bytes above which a device's memory counts as unknown."""


class StatusCommand(commands.Cog, name="Status"):
    """The command about the bot itself."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._started = time.time()

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_guild=True)
    async def status(self, interaction: Interaction) -> None:
        """Show device, memory, plan, queue, throughput, failures and versions"""
        require_owner(interaction, say("Only the bot's owner can see how it's running."))
        await interaction.response.defer(ephemeral=True, thinking=True)
        report = await self._studio.report()
        await reply(interaction, "\n".join(report_lines(report, self._started)))


def report_lines(report: StudioReport, started: float) -> Iterator[str]:
    """The lines of the report; `started` is in epoch seconds."""
    if report.device is not None:
        yield say("**Device** {device}", device=escaped_line(device_line(report.device)))
    if len(report.devices) > 1:
        able = sum(one.accepts and not (one.paused or one.lent) for one in report.devices)
        yield say(
            "**Devices** taking jobs: {able} of {number}", able=able, number=len(report.devices)
        )
        yield from map(doing_line, report.devices[:MOST_DEVICES])
    yield say("**Model** {model}", model=escaped_line(report.model))
    if (plan := report.plan) is not None:
        yield say("**Plan** {plan}. Expected peak: {peak}", plan=plan.summary, peak=plan.peak)
    yield from (f"⚠️ {in_markdown(problem)}" for problem in report.problems)
    yield say(
        "**Queue** {running} running, {waiting} waiting",
        running=report.running,
        waiting=report.waiting,
    )
    tally = report.tally
    pictures = say_many("{number} picture", "{number} pictures", tally.pictures)
    jobs = say_many("{number} job", "{number} jobs", tally.jobs)
    yield say("**Last hour** {pictures} in {jobs}", pictures=pictures, jobs=jobs)
    yield say("**Failed in the last day** {failed}", failed=tally.failed)
    for failure in tally.failures:
        reason = escaped_line(failure.sentence, 120)
        job = say("job {number}", number=failure.job_id)
        yield f"-# <t:{int(failure.at)}:R> {job}: {reason}"
    yield say("**Up since** {when}", when=f"<t:{int(started)}:R>")
    yield f"-# {' · '.join(versions())}"


def device_line(device: DeviceFacts) -> str:
    """The device with its total and free memory."""
    parts = [device.name if device.kind in device.name else f"{device.name} ({device.kind})"]
    if device.total_bytes < UNLIMITED_BYTES:
        free, total = human_size(device.free_bytes), human_size(device.total_bytes)
        parts.append(say("{free} of {total} free", free=free, total=total))
    if device.ram_free_bytes < UNLIMITED_BYTES:
        parts.append(say("{free} RAM free", free=human_size(device.ram_free_bytes)))
    return " · ".join(parts)


def doing_line(device: DeviceState) -> str:
    """What one of several devices is doing."""
    parts = [f"-# **{escaped_line(device.name)}**"]
    if device.lent:
        parts.append(say("training"))
    elif device.paused:
        parts.append(say("paused"))
    else:
        parts.append(say("{number} running", number=len(device.running)))
    if device.model is not None:
        parts.append(escaped_line(device.model))
    pictures = say_many("{number} picture", "{number} pictures", device.pictures_last_day)
    parts.append(say("{pictures} in the last day", pictures=pictures))
    return " · ".join(parts)


def versions() -> Iterator[str]:
    """The versions of Python and of `PACKAGES`."""
    yield f"Python {platform.python_version()}"
    for name in PACKAGES:
        yield f"{name} {_version(name)}"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return say("not installed")
