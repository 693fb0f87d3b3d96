"""`service install` and `service remove`."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import typer

import cli
from cli.console import err, out
from cli.errors import CommandError
from cli.exits import Exit
from cli.program import program
from cli.service.launchd import launchd
from cli.service.service import Launch, Service
from cli.service.systemd import systemd
from cli.service.windows import windows
from cli.settings import DEFAULT_FILE, PREFIX, Settings
from engine.atomic_write import write_whole


class Manager(NamedTuple):
    """What runs services on a system: its program, and what a service is to it."""

    program: str
    service: Callable[[Launch], Service]


MANAGERS = {
    "linux": Manager("systemctl", systemd),
    "darwin": Manager("launchctl", launchd),
    "win32": Manager("schtasks", windows),
}
"""By `sys.platform`."""

DEFAULT_NAME = "atelier"

UNSEEN = (PREFIX, "HF_")
"""How the names of variables begin that change what the bot does, here and not in a service."""

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,49}")


def show(settings: Settings, config: Path | None, name: str) -> None:
    """Print the file that `install` would write. Raises `CommandError`."""
    service = _service(config, name, settings.engine.grace)
    err.print(f"{service.file} would be:", style="dim")
    typer.echo(service.text, nl=False)  # as it is: tabs, too


def install(settings: Settings, config: Path | None, name: str) -> None:
    """Write the service's file, enable it and start it.

    Raises:
        CommandError: When there is no settings file with a token, or it can't be installed.
    """
    service = _service(config, name, settings.engine.grace)
    _require_token(config or DEFAULT_FILE)
    try:
        before = service.file.read_bytes() if service.file.exists() else None
        write_whole(service.file, service.text.encode(service.encoding))
    except OSError as error:
        raise CommandError(
            Exit.SERVICE, f"{service.file} can't be written: {error.strerror}."
        ) from error
    except UnicodeEncodeError:
        raise CommandError(
            Exit.SERVICE, f"{service.file} can't be written: a path in it isn't text in UTF-8."
        ) from None
    out.print(f"✓ Wrote {service.file}.", style="green")
    try:
        _run(service.before, check=False)
        _run(service.install)
    except BaseException:  # also Ctrl-C
        with suppress(CommandError, OSError):
            _put_back(service, before)
        raise
    out.print(f"✓ {name} is installed and starts by itself from now on.", style="green")
    out.print(service.hint)
    if unseen := sorted(each for each in os.environ if each.startswith(UNSEEN)):
        names = ", ".join(unseen)
        out.print(f"! It doesn't see these variables of your shell: {names}.", style="yellow")


def remove(config: Path | None, name: str) -> None:
    """Stop the service and take it out. The settings needn't be valid, or there, for that.

    Raises:
        CommandError: When it isn't installed, or can't be removed.
    """
    service = _service(config, name)
    if not service.file.exists():
        raise CommandError(Exit.SERVICE, f"{name} isn't installed: there's no {service.file}.")
    if service.known is None or _run([service.known], check=False):
        *before, last = service.remove
        _run(before, check=False)  # it may not be running
        _run([last])
    try:
        service.file.unlink()
    except OSError as error:
        raise CommandError(
            Exit.SERVICE, f"{service.file} can't be deleted: {error.strerror}."
        ) from error
    _run(service.after)
    out.print(f"✓ {name} was stopped and removed. The data folder stays.", style="green")


def _put_back(service: Service, before: bytes | None) -> None:
    """After an installation that failed: the service that was there before, or none."""
    if before is None:
        _run(service.remove, check=False)
        service.file.unlink()
        _run(service.after, check=False)
    else:
        write_whole(service.file, before)
        _run(service.install, check=False)


def _service(config: Path | None, name: str, grace: float = 0.0) -> Service:
    if not NAME.fullmatch(name):
        raise CommandError(
            Exit.USAGE, "A service's name has up to 50 letters, digits, hyphens and underscores."
        )
    manager = MANAGERS.get(sys.platform)
    if manager is None:
        raise CommandError(Exit.SERVICE, f"There are no services for {sys.platform} here.")
    return manager.service(
        Launch(
            name=name,
            python=Path(sys.executable),
            script=Path(cli.__file__).parents[1] / "bot.py",
            config=(config or DEFAULT_FILE).absolute(),
            grace=grace,
        )
    )


def _require_token(config: Path) -> None:
    """Raise unless the settings file has the token; a service has its own environment."""
    given = tomllib.loads(config.read_text("utf-8-sig")) if config.exists() else {}
    if not given.get("discord", {}).get("token"):
        raise CommandError(
            Exit.TOKEN,
            f"A service doesn't see the environment of your shell, so {config} has to have the "
            f"token. {program()} init writes it.",
        )


def _run(commands: Iterable[tuple[str, ...]], *, check: bool = True) -> bool:
    """Run commands one after the other; whether all succeeded.

    Raises:
        CommandError: With what the first failure said, if that is checked.
    """
    succeeded = True
    for command in commands:
        if (found := shutil.which(command[0])) is None:
            raise CommandError(Exit.SERVICE, f"{command[0]} isn't there, so it can't be run.")
        done = subprocess.run(
            [found, *command[1:]], capture_output=True, text=True, errors="replace"
        )
        succeeded = succeeded and not done.returncode
        if check and done.returncode:
            said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
            raise CommandError(Exit.SERVICE, f"“{' '.join(command)}” failed: {said}")
    return succeeded
