"""`service install` and `service remove`."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
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
from cli.settings import DEFAULT_FILE, Settings


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

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,49}")


def show(settings: Settings, config: Path | None, name: str) -> None:
    """Print the file that `install` would write. Raises `CommandError`."""
    service = _service(settings, config, name)
    err.print(f"{service.file} would be:", style="dim")
    typer.echo(service.text, nl=False)  # as it is: tabs, too


def install(settings: Settings, config: Path | None, name: str) -> None:
    """Write the service's file, enable it and start it.

    Raises:
        CommandError: When there is no settings file with a token, or it can't be installed.
    """
    service = _service(settings, config, name)
    _require_token(config or DEFAULT_FILE)
    before = service.file.read_bytes() if service.file.exists() else None
    try:
        service.file.parent.mkdir(parents=True, exist_ok=True)
        service.file.write_text(service.text, service.encoding)
    except OSError as error:
        raise CommandError(
            Exit.SERVICE, f"{service.file} can't be written: {error.strerror}."
        ) from error
    out.print(f"✓ Wrote {service.file}.", style="green")
    try:
        _run(service.install)
    except BaseException:  # also Ctrl-C
        if before is None:
            service.file.unlink()
        else:
            service.file.write_bytes(before)
        raise
    out.print(f"✓ {name} is installed and starts by itself from now on.", style="green")
    out.print(service.hint)


def remove(settings: Settings, config: Path | None, name: str) -> None:
    """Stop the service and take it out.

    Raises:
        CommandError: When it isn't installed, or can't be removed.
    """
    service = _service(settings, config, name)
    if not service.file.exists():
        raise CommandError(Exit.SERVICE, f"{name} isn't installed: there's no {service.file}.")
    *before, last = service.remove
    for command in before:  # it may not be running
        _run([command], check=False)
    _run([last])
    service.file.unlink()
    _run(service.after)
    out.print(f"✓ {name} was stopped and removed. The data folder stays.", style="green")


def _service(settings: Settings, config: Path | None, name: str) -> Service:
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
            grace=settings.engine.grace,
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


def _run(commands: Iterable[tuple[str, ...]], *, check: bool = True) -> None:
    """Run commands one after the other. Raises `CommandError` with what the first failure said."""
    for command in commands:
        if (found := shutil.which(command[0])) is None:
            raise CommandError(Exit.SERVICE, f"{command[0]} isn't there, so it can't be run.")
        done = subprocess.run(
            [found, *command[1:]], capture_output=True, text=True, errors="replace"
        )
        if check and done.returncode:
            said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
            raise CommandError(Exit.SERVICE, f"“{' '.join(command)}” failed: {said}")
