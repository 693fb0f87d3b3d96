"""The command line itself: quick, and clear about how it ended."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.exits import Exit
from cli.program import program
from tests.cli.conftest import Atelier

BOT = Path(__file__).parents[2] / "bot.py"
COMMANDS = ("run", "imagine", "check", "models", "invite", "init")


def test_help_answers_within_a_second() -> None:
    def seconds() -> float:
        begun = time.perf_counter()
        subprocess.run([sys.executable, BOT, "--help"], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begun

    assert min(seconds() for _ in range(3)) < 1.0


def test_the_command_line_waits_for_nothing_heavy() -> None:
    code = "import bot, sys; print({'torch', 'discord', 'pydantic'} & sys.modules.keys())"
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=BOT.parent, capture_output=True, text=True, check=True
    )
    assert process.stdout == "set()\n"


def test_help_names_every_command_and_exit_code(atelier: Atelier) -> None:
    result = atelier("--help")
    words = " ".join(result.out.split())
    assert result.code is Exit.FINE
    assert all(command in words for command in COMMANDS)
    assert all(f"{code.value} {code.meaning}" in words for code in Exit)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_takes_config_before_and_after_its_name(
    atelier: Atelier, command: str
) -> None:
    assert "--config" in atelier(command, "--help").out
    if command == "init":
        return
    arguments = [command, "a fish"] if command == "imagine" else [command]
    sentence = "other.toml can't be read: No such file or directory."
    for line in (["-c", "other.toml", *arguments], [*arguments, "--config", "other.toml"]):
        result = atelier(*line)
        assert result.code is (Exit.CANNOT_RUN if command == "check" else Exit.SETTINGS)
        assert sentence in result.out + result.err


@pytest.mark.parametrize("command", ["list", "add", "remove", "plan", "verify"])
def test_so_does_each_command_about_models(atelier: Atelier, command: str) -> None:
    name = [] if command in ("list", "verify") else ["fox"]
    for line in (
        ["-c", "other.toml", "models", command, *name],
        ["models", "-c", "other.toml", command, *name],
        ["models", command, *name, "-c", "other.toml"],
    ):
        result = atelier(*line)
        assert result.code is Exit.SETTINGS
        assert "other.toml can't be read" in result.err


def test_what_is_not_understood_is_a_usage_error(atelier: Atelier) -> None:
    assert atelier("paint").code is Exit.USAGE
    assert atelier("imagine").code is Exit.USAGE
    assert atelier("imagine", "a fish", "--width", "wide").code is Exit.USAGE


def test_a_bug_is_told_as_one(atelier: Atelier, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError("by chance")

    monkeypatch.setattr("cli.settings.load_settings", broken)
    result = atelier("models")
    assert result.code is Exit.BUG
    assert "ZeroDivisionError: by chance" in result.err
    assert result.err.endswith(
        "✗ This is a bug in Atelier. Please report it with the lines above.\n"
    )


@pytest.mark.parametrize(
    "command",
    ["hub cache", "data", "models add a/b --yes", "loras list", "hub push fog --yes", "worker"],
)
@pytest.mark.parametrize("place", ["data", "hub"])
def test_a_folder_that_cannot_be_used_is_told_in_a_sentence(
    atelier: Atelier, cache: Path, workplace: Path, command: str, place: str
) -> None:
    (workplace / "hub" / "models--a--b").mkdir(parents=True)
    (workplace / "data").mkdir()
    (workplace / place).chmod(0)
    try:
        result = atelier(*command.split())
    finally:
        (workplace / place).chmod(0o700)
    assert result.code is not Exit.BUG, result.err
    if result.code is not Exit.FINE:
        assert len(result.err.strip().splitlines()) == 1, result.err


def test_what_the_system_refuses_is_no_bug_if_it_names_a_file(
    atelier: Atelier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/srv/hub")

    monkeypatch.setattr("cli.settings.load_settings", refuses)
    result = atelier("models")
    assert result.code is Exit.STORAGE
    assert result.err == "✗ /srv/hub can't be used: Permission denied.\n"


def test_the_version_is_told(atelier: Atelier) -> None:
    result = atelier("--version")
    assert result.code is Exit.FINE
    assert result.out.startswith("Atelier ")


def test_a_flag_behind_the_quotes_is_told_where_it_belongs(atelier: Atelier) -> None:
    result = atelier("imagine", "a red house", "--ar", "3:2")
    assert result.code is Exit.USAGE
    assert "flag of the prompt. Write it inside the quotes" in " ".join(result.err.split())


def test_hints_say_how_the_program_was_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/atelier", "check"])
    assert program() == "atelier"
    monkeypatch.setattr(sys, "argv", ["bot.py"])
    assert program() == "python bot.py"


NAME = "n" * 300


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (["models", "plan", NAME], Exit.MODEL),
        (["models", "plan", f"/{NAME}"], Exit.MODEL),
        (["models", "plan", f"owner/{NAME}"], Exit.MODEL),
        (["models", "plan", "~nobody-here/x"], Exit.MODEL),
        (["models", "add", f"{NAME}.gguf"], Exit.MODEL),
        (["models", "add", "sketch", "--denoiser", "file.gguf"], Exit.USAGE),
        (["imagine", "a fish", "--out", NAME], Exit.STORAGE),
        (["imagine", "a fish", "--lora", f"{NAME}:1"], Exit.NOT_PAINTED),
        (["imagine", "a fish", "--config", NAME], Exit.SETTINGS),
        (["invite", "--client-id", "9" * 19], Exit.USAGE),
    ],
)
def test_odd_texts_are_told_in_one_sentence(
    atelier: Atelier, workplace: Path, line: list[str], code: Exit
) -> None:
    result = atelier(*line)
    assert result.code is code
    assert result.err.startswith("✗ ")
    assert len(result.err.splitlines()) == 1
    assert not list(workplace.iterdir())


@pytest.mark.parametrize("command", [("models", "list"), ("imagine", "a fish")])
def test_so_is_a_data_folder_that_cannot_be(
    atelier: Atelier, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("ATELIER_STORAGE__PATH", NAME)
    assert "Traceback" not in atelier(*command).err


def test_a_device_that_is_not_there_is_an_invalid_setting(
    atelier: Atelier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATELIER_ENGINE__DEVICE", "cuda:77")
    result = atelier("imagine", "a fish")
    assert result.code is Exit.SETTINGS
    assert result.err.startswith("✗ [engine] device is set to “cuda:77”")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is none here")
def test_a_full_disk_and_a_closed_pipe_leave_no_traceback() -> None:
    line = [sys.executable, str(BOT), "models", "list"]
    with open("/dev/full", "w") as full:
        ended = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == Exit.OUTPUT
    assert ended.stderr == "✗ The output can't be written: No space left on device.\n"
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(line, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert ended.returncode == Exit.OUTPUT
    assert ended.stderr == ""
    with open("/dev/full", "w") as full:
        code = subprocess.call([sys.executable, str(BOT), "-c", NAME], stdout=full, stderr=full)
    assert code == Exit.SETTINGS, "the code says what the sentence can't"
