"""The agent of macOS's launchd (`man launchd.plist`)."""

import os
import plistlib
from pathlib import Path

from cli.service.service import RETRY, Launch, Service


def launchd(launch: Launch) -> Service:
    """The service on macOS."""
    label = f"local.{launch.name}"
    file = Path.home() / "Library" / "LaunchAgents" / f"{label}.plist"
    domain = f"gui/{os.getuid() if hasattr(os, 'getuid') else 0}"
    agent = {
        "Label": label,
        "ProgramArguments": launch.command,
        "WorkingDirectory": str(launch.config.parent),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": RETRY,
        "ExitTimeOut": launch.stop_seconds,
    }
    return Service(
        file=file,
        text=plistlib.dumps(agent, sort_keys=False).decode(),
        install=(("launchctl", "bootstrap", domain, str(file)),),
        remove=(("launchctl", "bootout", f"{domain}/{label}"),),
        hint="It runs while you are logged in. What it says is in log/ in the data folder.",
    )
