"""`worker invite`, `worker revoke` and `worker list`: which machines may paint for this bot."""

import json
from urllib.parse import urlsplit

from rich.table import Table

from cli.console import err, out, tables
from cli.errors import CommandError
from cli.exits import Exit
from cli.lock import bot_is_running, tell_picked_up
from cli.program import program
from cli.settings import Settings
from engine.cluster.bot.open_cluster import FOLDER
from engine.cluster.errors import require_packages
from engine.cluster.protocol.subjects import permissions
from engine.cluster.server.certificate import kept_certificate
from engine.cluster.server.invitation import Invitation, own_address
from engine.cluster.server.invited_workers import InvitedWorkers
from engine.cluster.server.keys import Key, kept_key, new_key
from engine.cluster.server.nats_server import EVERYWHERE
from engine.cluster.settings import DEFAULT_PORT
from engine.cluster.worker.taken_invitations import TakenInvitations


def invite_worker(settings: Settings, name: str) -> None:
    """Print the invitation of a new worker: one line.

    Raises:
        CommandError: When the settings have no cluster.
        ClusterError: When the name isn't one or is taken, or packages are missing.
        StorageError: When the data folder can't be used.
    """
    require_packages()
    if not settings.cluster.enabled:
        raise CommandError(
            Exit.SETTINGS,
            'Workers need a place to meet the bot. Add [cluster] with listen = "0.0.0.0:4222" to '
            "the settings file, restart the bot, and invite the worker again.",
        )
    key = new_key()
    InvitedWorkers(settings.storage.path / FOLDER).add(name, key.public)
    if settings.cluster.url is None:
        out.print(_to_own_server(settings, name, key).line)
        err.print(
            f"Paste it on the other machine, in quotes: {program()} worker --join 'LINE'\n"
            "Keep it secret: whoever has it can paint for your bot. It isn't shown again.",
            style="dim",
        )
        tell_picked_up(settings.storage.path, err, "dim")
    else:
        out.print(_to_other_server(settings.cluster.url, name, key).line)
        user = {"nkey": key.public, "permissions": permissions(name)}
        err.print("Add this user to your NATS server's configuration, and reload it:", style="dim")
        err.print(json.dumps(user, indent=2))
        bot = kept_key(settings.storage.path / FOLDER / "bot.nk").public
        err.print(f"The bot's own user, without permissions: {bot}", style="dim")


def _to_own_server(settings: Settings, name: str, key: Key) -> Invitation:
    host, port = settings.cluster.bound
    if host in EVERYWHERE:
        host = own_address()
    if settings.cluster.address is not None:
        parts = urlsplit(f"//{settings.cluster.address}")
        host, port = parts.hostname or host, parts.port or port
    certificate = kept_certificate(settings.storage.path / FOLDER)
    return Invitation(host=host, port=port, name=name, key=key, fingerprint=certificate.fingerprint)


def _to_other_server(url: str, name: str, key: Key) -> Invitation:
    parts = urlsplit(url)
    return Invitation(
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port or DEFAULT_PORT,
        name=name,
        key=key,
    )


def revoke_worker(settings: Settings, name: str) -> None:
    """End an invitation.

    Raises:
        ClusterError: When there is none of that name.
        StorageError: When the data folder can't be used.
    """
    InvitedWorkers(settings.storage.path / FOLDER).remove(name)
    out.print(f"{name} can't paint for this bot any more.")
    if settings.cluster.url is not None:
        err.print("Remove its user from your NATS server's configuration, too.", style="dim")
    elif bot_is_running(settings.storage.path):
        err.print("The running bot cuts it off within a few seconds.", style="dim")


def show_workers(settings: Settings) -> None:
    """Print who was invited here, and for which bots this machine paints."""
    invited = InvitedWorkers(settings.storage.path / FOLDER).all()
    taken = TakenInvitations(settings.storage.path)
    table = Table("worker", "where", box=None, pad_edge=False)
    for name in invited:
        table.add_row(name, "may paint for this bot")
    paused = " (paused)" if taken.pause_file.is_set else ""
    for invitation in taken.all():
        table.add_row(invitation.name, f"paints here for the bot at {invitation.url}{paused}")
    if not table.rows:
        out.print(f"There are no workers. Invite one with: {program()} worker invite NAME")
        return
    tables.print(table)
