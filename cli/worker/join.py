"""`worker`: paints for a bot on another machine; and pausing that."""

import asyncio
import logging
import sys

from cli.console import out
from cli.errors import CommandError
from cli.exits import Exit
from cli.log_file import log_file
from cli.logs import start_logging
from cli.program import program
from cli.settings import Settings
from cli.signals import on_signal
from engine import StorageError, added_models
from engine.cluster.errors import require_packages
from engine.cluster.server.invitation import Invitation
from engine.cluster.worker.run_worker import run_worker
from engine.cluster.worker.setup import WorkerSetup
from engine.cluster.worker.taken_invitations import TakenInvitations

log = logging.getLogger("atelier")


def join_bot(settings: Settings, line: str | None, name: str | None) -> None:
    """Paint for a bot until a signal stops it.

    Args:
        settings: How this machine paints.
        line: The invitation; `-` for standard input, `None` for one that was taken before.
        name: Which of those.

    Raises:
        CommandError: When there is no invitation, or several.
        ClusterError: When the invitation doesn't count, or packages are missing.
        DeviceUnavailable: When this machine doesn't have the configured device.
        StorageError: When the data folder is unusable.
    """
    require_packages()
    taken = TakenInvitations(settings.storage.path)
    if line is None:
        invitation = _taken_before(taken, name)
    else:
        invitation = Invitation.read(sys.stdin.readline() if line == "-" else line)
        taken.keep(invitation)
    tokens = (settings.engine.plain_hub_token, settings.engine.plain_civitai_token)
    secrets = [secret for secret in (*tokens, invitation.key.seed) if secret]
    start_logging(settings.log.number, secrets, as_json=settings.log.format == "json")
    with log_file(settings.log, taken.place(invitation.name), secrets):
        log.info("Painting as “%s” for the bot at %s", invitation.name, invitation.url)
        asyncio.run(_work(settings, invitation))
        log.info("Stopped")


async def _work(settings: Settings, invitation: Invitation) -> None:
    setup = WorkerSetup(
        invitation=invitation,
        engine=settings.engine,
        models=await added_models(settings.storage.path) | settings.models,
        folder=settings.storage.path,
        worker=settings.worker,
        embeddings=settings.storage.path / "embeddings",
        upscalers=settings.upscalers,
        background=settings.background,
        controls=settings.controls,
        ip_adapters=settings.ip_adapters,
    )
    stop = asyncio.Event()
    with on_signal(stop.set):
        await run_worker(setup, stop)


def _taken_before(taken: TakenInvitations, name: str | None) -> Invitation:
    everything = [*taken.all()]
    found = [one for one in everything if name in (None, one.name)]
    names = ", ".join(one.name for one in everything)
    if everything and not found:
        raise CommandError(
            Exit.USAGE, f"There's no invitation for “{name}” here. There are these: {names}."
        )
    if not found:
        raise CommandError(
            Exit.USAGE,
            f"There's no invitation here. On the bot's machine, `{program()} worker invite NAME` "
            "prints one; start with --join and that line.",
        )
    if len(found) > 1:
        raise CommandError(
            Exit.USAGE, f"This machine has several invitations: {names}. Add --name."
        )
    return found[0]


def set_paused(settings: Settings, *, paused: bool) -> None:
    """Pause the workers of this machine, or let them paint. Raises `StorageError`."""
    file = TakenInvitations(settings.storage.path).pause_file
    try:
        file.set(paused)
    except OSError as error:
        raise StorageError(f"The data folder can't be used: {error.strerror}.") from error
    if paused:
        out.print("Paused. A running worker gives its jobs back now.")
    else:
        out.print("The worker of this machine paints again.")
