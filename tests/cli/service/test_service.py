"""`service`: the file of each system runs the bot from wherever it is, and is taken out again."""

import os
import plistlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
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
@pytest.mark.parametrize("folder", [ODD, "bots", "Ada's 风", "100% $HOME", "a\\b"])
def test_systemd_understands_its_unit(
    launch: Launch, workplace: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(workplace))  # or it checks nothing
    python = workplace / folder / "python"
    python.parent.mkdir(exist_ok=True)
    if not python.exists():
        shutil.copy("/bin/true", python)
    unit = workplace / "atelier.service"
    unit.write_text(systemd(replace(launch, python=python)).text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(unit)], capture_output=True, text=True
    )
    complaints = [line for line in done.stderr.splitlines() if "atelier.service" in line]
    assert (done.returncode, complaints) == (0, []), done.stderr


def test_odd_characters_in_the_path_of_python_reach_it_through_a_shell(
    launch: Launch, workplace: Path
) -> None:
    """systemd takes no quotes and backslashes in a program's path, and no escaped $."""
    [line] = (x for x in systemd(launch).text.splitlines() if x.startswith("ExecStart="))
    words = shlex.split(line.partition("=")[2].replace("$$", "$").replace("%%", "%"))
    assert words == ["/bin/sh", "-c", 'exec "$0" "$@"', *launch.command]
    script = "import sys; print(sys.argv[1:])"
    command = [*words[:3], str(launch.python), "-c", script, *launch.command[1:]]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == f"{launch.command[1:]}\n"


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
            [
                "systemctl --user daemon-reload",
                "systemctl --user enable mine.service",
                "systemctl --user restart mine.service",
            ],
            ["systemctl --user disable --now mine.service", "systemctl --user daemon-reload"],
        ),
        (
            launchd,
            "Library/LaunchAgents/local.mine.plist",
            [
                "launchctl bootout gui/{uid}/local.mine",
                "launchctl bootstrap gui/{uid} {home}/Library/LaunchAgents/local.mine.plist",
            ],
            ["launchctl print gui/{uid}/local.mine", "launchctl bootout gui/{uid}/local.mine"],
        ),
        (
            windows,
            "mine-task.xml",
            [
                "schtasks /End /TN mine",
                "schtasks /Create /TN mine /XML {home}/mine-task.xml /F",
                "schtasks /Run /TN mine",
            ],
            [
                "schtasks /Query /TN mine",
                "schtasks /End /TN mine",
                "schtasks /Delete /TN mine /F",
            ],
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
    config("[nonsense")
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


@pytest.fixture
def failing(workplace: Path, manager: Path) -> Callable[[str], None]:
    """Makes managers fail at one of their commands."""

    def fail(word: str) -> None:
        for file in (workplace / "bin").iterdir():
            text = file.read_text()
            file.write_text(f'{text}case "$*" in *{word}*) echo no >&2; exit 1;; esac\n')

    return fail


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is on Linux")
def test_an_installation_that_fails_leaves_what_was_there(
    atelier: Atelier,
    config: Callable[[str], Path],
    workplace: Path,
    manager: Path,
    failing: Callable[[str], None],
) -> None:
    config(f"[discord]\ntoken = '{TOKEN}'")
    unit = workplace / ".config" / "systemd" / "user" / "atelier.service"
    failing("restart")
    result = atelier("service", "install")
    assert result.code is Exit.SERVICE
    assert result.err == "✗ “systemctl --user restart atelier.service” failed: no\n"
    assert not unit.exists()
    assert manager.read_text().splitlines()[-2:] == [
        "systemctl --user disable --now atelier.service",
        "systemctl --user daemon-reload",
    ]
    unit.write_text("mine")
    assert atelier("service", "install").code is Exit.SERVICE
    assert unit.read_text() == "mine"
    assert manager.read_text().splitlines()[-3:-1] == [
        "systemctl --user daemon-reload",
        "systemctl --user enable atelier.service",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="its managers are shell scripts")
@pytest.mark.parametrize(("kind", "asks"), [(launchd, "print"), (windows, "/Query")])
def test_a_service_that_its_manager_has_forgotten_can_be_removed(
    atelier: Atelier,
    config: Callable[[str], Path],
    manager: Path,
    failing: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    kind: Callable[[Launch], Service],
    asks: str,
) -> None:
    monkeypatch.setitem(MANAGERS, sys.platform, Manager("launchctl", kind))
    config(f"[discord]\ntoken = '{TOKEN}'")
    assert atelier("service", "install").code is Exit.FINE
    failing(asks)
    assert atelier("service", "remove").code is Exit.FINE
    assert "isn't installed" in atelier("service", "remove").err


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is on Linux")
def test_what_the_service_does_not_see_is_named(
    atelier: Atelier,
    config: Callable[[str], Path],
    manager: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in os.environ:
        if name.startswith("HF_"):
            monkeypatch.delenv(name)
    config(f"[discord]\ntoken = '{TOKEN}'")
    assert "variables" not in atelier("service", "install").out
    monkeypatch.setenv("ATELIER_STORAGE__PATH", "elsewhere")
    monkeypatch.setenv("HF_HOME", "there")
    said = atelier("service", "install").out
    assert "variables of your shell: ATELIER_STORAGE__PATH, HF_HOME." in said
