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
    service = f"{domain}/{label}"
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
        before=(("launchctl", "bootout", service),),
        install=(("launchctl", "bootstrap", domain, str(file)),),
        known=("launchctl", "print", service),
        remove=(("launchctl", "bootout", service),),
        hint="It runs while you are logged in. What it says is in log/ in the data folder.",
    )
