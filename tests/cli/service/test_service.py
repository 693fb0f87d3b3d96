"""`service`: the file of each system runs the bot from wherever it is, and is taken out again."""

import os
import plistlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PureWindowsPath
from xml.etree import ElementTree

import pytest

from cli.exits import Exit
from cli.service.install import MANAGERS, Manager
from cli.service.launchd import launchd
from cli.service.service import Launch, Service
from cli.service.systemd import systemd
from cli.service.windows import NAMESPACE, windows
from tests.cli.conftest import TOKEN, Atelier

ODD = 'bots & "$HOME" 100%h \\'


@pytest.fixture
def launch(workplace: Path) -> Launch:
    """A bot in a folder whose name means something in each format."""
    folder = workplace / ODD
    folder.mkdir()
    python = folder / "python"
    python.symlink_to(sys.executable)
    return Launch(
        name="atelier",
        python=python,
        script=folder / "bot.py",
        config=folder / "config.toml",
        grace=5,
    )


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd isn't here")
def test_systemd_understands_its_unit(launch: Launch, workplace: Path) -> None:
    unit = workplace / "atelier.service"
    unit.write_text(systemd(launch).text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(unit)], capture_output=True, text=True
    )
    complaints = [line for line in done.stderr.splitlines() if "atelier.service" in line]
    assert complaints == []


def test_launchd_gets_the_same_arguments(launch: Launch) -> None:
    agent = plistlib.loads(launchd(launch).text.encode())
    assert agent["ProgramArguments"] == launch.command
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["ExitTimeOut"] == 35


def test_windows_gets_the_same_arguments(launch: Launch) -> None:
    service = windows(launch)
    task = ElementTree.fromstring(service.text.encode(service.encoding))
    there = {each.tag.removeprefix(f"{{{NAMESPACE}}}"): each.text for each in task.iter()}
    assert there["Command"] == str(PureWindowsPath(launch.python).with_name("pythonw.exe"))
    assert there["Arguments"] == subprocess.list2cmdline(launch.command[1:])
    assert there["ExecutionTimeLimit"] == "PT0S", "three days would be the default"
    [trigger] = task.iter(f"{{{NAMESPACE}}}LogonTrigger")
    order = [each.tag.removeprefix(f"{{{NAMESPACE}}}") for each in trigger]
    assert order == ["Repetition", "Enabled", "UserId"], "the schema has an order"


@pytest.fixture
def manager(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Managers of services that write down what they are told; the file that they write to."""
    programs = workplace / "bin"
    programs.mkdir()
    told = workplace / "told"
    for name in ("systemctl", "launchctl", "schtasks"):
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {told}\n')
        (programs / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(workplace))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return told


@pytest.mark.skipif(sys.platform == "win32", reason="its managers are shell scripts")
@pytest.mark.parametrize(
    ("kind", "file", "installs", "removes"),
    [
        (
            systemd,
            ".config/systemd/user/mine.service",
            ["systemctl --user daemon-reload", "systemctl --user enable --now mine.service"],
            ["systemctl --user disable --now mine.service", "systemctl --user daemon-reload"],
        ),
        (
            launchd,
            "Library/LaunchAgents/local.mine.plist",
            ["launchctl bootstrap gui/{uid} {home}/Library/LaunchAgents/local.mine.plist"],
            ["launchctl bootout gui/{uid}/local.mine"],
        ),
        (
            windows,
            "mine-task.xml",
            ["schtasks /Create /TN mine /XML {home}/mine-task.xml /F", "schtasks /Run /TN mine"],
            ["schtasks /End /TN mine", "schtasks /Delete /TN mine /F"],
        ),
    ],
)
def test_a_service_is_installed_and_removed(
    atelier: Atelier,
    config: Callable[[str], Path],
    workplace: Path,
    manager: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: Callable[[Launch], Service],
    file: str,
    installs: list[str],
    removes: list[str],
) -> None:
    monkeypatch.setitem(MANAGERS, sys.platform, Manager(installs[0].split()[0], kind))
    config(f"[discord]\ntoken = '{TOKEN}'")
    shown = atelier("service", "install", "--print", "--name", "mine")
    assert not (workplace / file).exists()
    result = atelier("service", "install", "--name", "mine")
    assert result.code is Exit.FINE, result.err
    written = (workplace / file).read_bytes()
    assert written.decode("utf-16" if kind is windows else "utf-8") == shown.out
    assert str(workplace / "config.toml") in shown.out
    assert TOKEN not in shown.out
    words = {"uid": os.getuid(), "home": workplace}
    assert manager.read_text().splitlines() == [each.format(**words) for each in installs]
    manager.unlink()
    assert atelier("service", "remove", "--name", "mine").code is Exit.FINE
    assert manager.read_text().splitlines() == [each.format(**words) for each in removes]
    assert not (workplace / file).exists()
    result = atelier("service", "remove", "--name", "mine")
    assert result.code is Exit.SERVICE
    assert "mine isn't installed" in result.err


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is on Linux")
def test_what_keeps_a_service_from_running_is_told(
    atelier: Atelier,
    config: Callable[[str], Path],
    workplace: Path,
    manager: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    config("")
    result = atelier("service", "install")
    assert result.code is Exit.TOKEN
    assert "doesn't see the environment of your shell" in result.err
    assert not manager.exists()
    assert atelier("service", "install", "--name", "../x").code is Exit.USAGE
    config(f"[discord]\ntoken = '{TOKEN}'")
    systemctl = workplace / "bin" / "systemctl"
    systemctl.write_text("#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n")
    result = atelier("service", "install")
    assert result.code is Exit.SERVICE
    assert result.err == ("✗ “systemctl --user daemon-reload” failed: Failed to connect to bus\n")
