"""Whether other machines can paint for this bot, and this machine for another. Changes nothing."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from cli.findings import Finding, Mark
from cli.lock import bot_is_running
from cli.program import program
from cli.settings import Settings
from engine import StorageError
from engine.cluster.bot.open_cluster import FOLDER
from engine.cluster.errors import ClusterError, require_packages
from engine.cluster.server.certificate import certificate_of
from engine.cluster.server.invitation import Invitation
from engine.cluster.server.invited_workers import InvitedWorkers
from engine.cluster.server.nats_server import server_program
from engine.cluster.settings import DEFAULT_PORT
from engine.cluster.worker.taken_invitations import TakenInvitations

REACH_SECONDS = 5.0
"""How long a server may take to answer."""


def cluster(settings: Settings) -> Iterator[Finding]:
    """Whether workers can meet the bot, as [cluster] has it; nothing without that section."""
    if not settings.cluster.enabled:
        return
    try:
        require_packages()
        if settings.cluster.url is None:
            server_program()
    except ClusterError as error:
        yield Finding(Mark.BAD, "cluster", str(error))
        return
    if settings.cluster.url is not None:
        parts = urlsplit(settings.cluster.url)
        place = parts.hostname or "", parts.port or DEFAULT_PORT
        yield _reached("cluster", place, settings.cluster.url)
    else:
        yield _address(settings, *settings.cluster.bound)
    try:
        invited = InvitedWorkers(settings.storage.path / FOLDER).all()
    except StorageError as error:
        yield Finding(Mark.BAD, "cluster", str(error))
        return
    if invited:
        yield Finding(Mark.GOOD, "cluster", f"invited: {', '.join(invited)}")
    else:
        advice = f"Invite one: {program()} worker invite NAME"
        yield Finding(Mark.NOTE, "cluster", "no worker is invited", advice)


def _address(settings: Settings, host: str, port: int) -> Finding:
    """Whether the bot's own server can listen there."""
    place = f"{host}:{port}"
    if bot_is_running(settings.storage.path):
        return Finding(Mark.GOOD, "cluster", f"{place} (the bot is running)")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            advice = "End the program that has it, or set [cluster] listen to another port."
            text = f"{place} can't be used: {error.strerror or error}"
            return Finding(Mark.BAD, "cluster", text, advice)
    return Finding(Mark.GOOD, "cluster", f"{place} is free")


def worker(settings: Settings) -> Iterator[Finding]:
    """Whether this machine can paint for the bots whose invitations it has taken."""
    try:
        taken = list(TakenInvitations(settings.storage.path).all())
    except OSError as error:
        text = f"invitations can't be read: {error.strerror}"
        yield Finding(Mark.NOTE, "worker", text)
        return
    if not taken:
        return
    try:
        require_packages()
    except ClusterError as error:
        yield Finding(Mark.NOTE, "worker", str(error))
        return
    if TakenInvitations(settings.storage.path).pause_file.is_set:
        advice = f"Paint again: {program()} worker resume"
        yield Finding(Mark.NOTE, "worker", "paused on this machine", advice)
    for invitation in taken:
        yield _server_of(invitation)


def _server_of(invitation: Invitation) -> Finding:
    """Whether the server of an invitation answers, with its certificate."""
    subject, place = "worker", (invitation.host, invitation.port)
    if invitation.fingerprint is None:
        return _reached(subject, place, f"{invitation.name}: {invitation.url}")

    async def ask(fingerprint: str) -> None:
        async with asyncio.timeout(REACH_SECONDS):
            await certificate_of(*place, fingerprint)

    try:
        asyncio.run(ask(invitation.fingerprint))
    except ClusterError as error:
        return Finding(Mark.NOTE, subject, f"{invitation.name}: {error}")
    except (OSError, EOFError) as error:
        return _unreachable(subject, f"{invitation.name}: {invitation.url}", error)
    text = f"{invitation.name}: {invitation.url} answers, with the certificate of the invitation"
    return Finding(Mark.GOOD, subject, text)


def _reached(subject: str, place: tuple[str, int], name: str) -> Finding:
    """Whether somebody listens there."""
    try:
        socket.create_connection(place, REACH_SECONDS).close()
    except OSError as error:
        return _unreachable(subject, name, error)
    return Finding(Mark.GOOD, subject, f"{name} answers")


def _unreachable(subject: str, name: str, error: Exception) -> Finding:
    reason = str(error) or "no answer"
    if isinstance(error, ssl.SSLError):
        reason = "it doesn't speak TLS"
    advice = "Start the bot there, and allow the port in its firewall."
    return Finding(Mark.NOTE, subject, f"{name} can't be reached: {reason}", advice)
