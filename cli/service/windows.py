"""The scheduled task of Windows, in its XML format (MS-TSCH, section 2.5)."""

import getpass
import os
import subprocess
from pathlib import PureWindowsPath
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from cli.service.service import Launch, Service

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"

RETRY = "PT5M"
"""How often it is started if it isn't running. Windows doesn't count an exit code as a failure."""


def windows(launch: Launch) -> Service:
    """The service on Windows."""
    task = ("/TN", launch.name)
    file = launch.config.with_name(f"{launch.name}-task.xml")
    return Service(
        file=file,
        text=_task(launch),
        encoding="utf-16",  # schtasks reads nothing else
        before=(("schtasks", "/End", *task),),
        install=(
            ("schtasks", "/Create", *task, "/XML", str(file), "/F"),
            ("schtasks", "/Run", *task),
        ),
        known=("schtasks", "/Query", *task),
        remove=(("schtasks", "/End", *task), ("schtasks", "/Delete", *task, "/F")),
        hint=f"To stop it for a while: schtasks /Change /TN {launch.name} /DISABLE, and /End.",
    )


def _task(launch: Launch) -> str:
    """A task that starts when you log on, and again within five minutes if it ended."""
    task = Element("Task", version="1.2", xmlns=NAMESPACE)
    about = SubElement(task, "RegistrationInfo")
    _add(about, Description="Atelier, a Discord bot that paints pictures")
    trigger = SubElement(SubElement(task, "Triggers"), "LogonTrigger")
    _add(SubElement(trigger, "Repetition"), Interval=RETRY, StopAtDurationEnd="false")
    _add(trigger, Enabled="true", UserId=_user())
    principal = SubElement(SubElement(task, "Principals"), "Principal", id="Author")
    _add(principal, UserId=_user(), LogonType="InteractiveToken", RunLevel="LeastPrivilege")
    _add(
        SubElement(task, "Settings"),
        MultipleInstancesPolicy="IgnoreNew",
        DisallowStartIfOnBatteries="false",
        StopIfGoingOnBatteries="false",
        ExecutionTimeLimit="PT0S",
        Priority="6",  # of normal priority; 7, the default, is below that
    )
    action = SubElement(SubElement(task, "Actions", Context="Author"), "Exec")
    _add(
        action,
        Command=_windowless(launch.python),
        Arguments=subprocess.list2cmdline(launch.command[1:]),
        WorkingDirectory=str(launch.config.parent),
    )
    indent(task)
    return f'<?xml version="1.0" encoding="UTF-16"?>\n{tostring(task, encoding="unicode")}\n'


def _add(parent: Element, **texts: str) -> None:
    for name, text in texts.items():
        SubElement(parent, name).text = text


def _user() -> str:
    domain = os.environ.get("USERDOMAIN")
    return f"{domain}\\{getpass.getuser()}" if domain else getpass.getuser()


def _windowless(python: object) -> str:
    """The interpreter without a console window, which lies beside the other."""
    return str(PureWindowsPath(str(python)).with_name("pythonw.exe"))
