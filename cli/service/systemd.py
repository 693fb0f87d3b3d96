"""The unit of systemd's user manager (`man systemd.service`)."""

import os
from pathlib import Path

from cli.exits import Exit
from cli.service.service import RETRY, Launch, Service

WATCHDOG = 60
"""Seconds that the event loop may be blocked."""

HOPELESS = (Exit.USAGE, Exit.SETTINGS, Exit.TOKEN)
"""Exit codes after which another start wouldn't help."""


def systemd(launch: Launch) -> Service:
    """The service on Linux."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    unit = f"{launch.name}.service"
    control = ("systemctl", "--user")
    return Service(
        file=home / "systemd" / "user" / unit,
        text=_unit(launch),
        install=(
            (*control, "daemon-reload"),
            (*control, "enable", unit),
            (*control, "restart", unit),  # or one that runs would go on as before
        ),
        remove=((*control, "disable", "--now", unit),),
        after=((*control, "daemon-reload"),),
        hint="It stops when you log out, unless you run: loginctl enable-linger",
    )


def _unit(launch: Launch) -> str:
    # Some characters can't be in the program's path at all, or can't be escaped there.
    odd = set("\"'\\$") & set(str(launch.python))
    shell = ("/bin/sh", "-c", 'exec "$0" "$@"') if odd else ()
    return f"""\
[Unit]
Description=Atelier, a Discord bot that paints pictures

[Service]
Type=notify
ExecStart={" ".join(map(_quoted, (*shell, *launch.command)))}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec={RETRY}
RestartPreventExitStatus={" ".join(str(code.value) for code in HOPELESS)}
WatchdogSec={WATCHDOG}
TimeoutStopSec={launch.stop_seconds}
KillMode=mixed

[Install]
WantedBy=default.target
"""


def _quoted(argument: str) -> str:
    """An argument of `ExecStart`, in which %, $, quotes and backslashes mean something."""
    for special, escaped in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        argument = argument.replace(special, escaped)
    return f'"{argument}"'
