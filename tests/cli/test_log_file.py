"""The log in the data folder: a line an event, nothing secret, and never a reason to stop."""

import json
import logging
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from cli.exits import Exit
from cli.log_file import PLACE, LogFile, log_file
from cli.log_settings import LogSettings
from cli.logs import start_logging
from tests.cli.conftest import TOKEN, Atelier

log = logging.getLogger("cogs.somewhere")


@pytest.fixture(autouse=True)
def _started(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(logging.INFO)


def lines(folder: Path) -> list[str]:
    return (folder / PLACE).read_text("utf-8").splitlines()


def fail() -> None:
    raise ValueError(f"the token {TOKEN} is wrong")


def test_each_event_is_one_line_whatever_is_in_it(workplace: Path) -> None:
    with log_file(LogSettings(), workplace, [TOKEN]):
        log.warning("Named %s", "x\n2026-01-01 CRITICAL forged\u2028\x1b[2J")
        try:
            fail()
        except ValueError:
            log.exception("Incident %s", "ab12")
    forged, incident = lines(workplace)
    assert "WARNING  cogs.somewhere: Named x ⏎ 2026-01-01 CRITICAL forged ⏎" in forged
    assert "\x1b" not in forged
    assert "Incident ab12 ⏎ Traceback" in incident
    assert incident.endswith("ValueError: the token [secret] is wrong")
    if sys.platform != "win32":
        assert stat.S_IMODE((workplace / PLACE).stat().st_mode) == 0o600


def test_json_has_an_object_a_line_and_no_secrets(workplace: Path) -> None:
    with log_file(LogSettings(format="json"), workplace, [TOKEN]):
        log.info("“%s”\n%d", TOKEN, 1)
        try:
            fail()
        except ValueError:
            log.exception("Incident")
    plain, incident = map(json.loads, lines(workplace))
    assert plain.pop("time")[10] == "T"
    assert plain == {"level": "info", "logger": "cogs.somewhere", "message": "“[secret]”\n1"}
    assert incident["level"] == "error"
    assert incident["error"].splitlines()[-1] == "ValueError: the token [secret] is wrong"


def test_old_files_are_let_go(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.log_file.MAX_BYTES", 2000)
    with log_file(LogSettings(), workplace, ()):
        for number in range(300):
            log.info("Number %d", number)
    files = sorted((workplace / "log").iterdir())
    assert len(files) == 6
    assert all(file.stat().st_size <= 2000 for file in files)
    assert lines(workplace)[-1].endswith("Number 299")


def test_what_ends_the_bot_is_in_its_log(workplace: Path) -> None:
    with pytest.raises(ValueError, match="wrong"), log_file(LogSettings(), workplace, [TOKEN]):
        fail()
    [line] = lines(workplace)
    assert "CRITICAL atelier: Ended: a bug in Atelier ⏎ Traceback" in line
    assert TOKEN not in line


def test_a_full_disk_costs_lines_and_is_told_once(
    workplace: Path, capsys: pytest.CaptureFixture[str], small_disk: None
) -> None:
    handler = LogFile(workplace / PLACE)
    for _ in range(100):
        handler.handle(logging.LogRecord("cogs", logging.INFO, "", 0, "x" * 1000, (), None))
    handler.close()
    assert capsys.readouterr().err.count("can't be written to; lines are missing") == 1
    assert len(lines(workplace)) == 50


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file can be larger than 50 kB."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_without_a_place_for_it_the_bot_runs_all_the_same(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "log").write_text("")
    with log_file(LogSettings(), workplace, ()):
        log.info("Here")
    told = capsys.readouterr().err
    assert "The log isn't kept" in told
    assert "Here" in told


def test_it_can_be_left_off(workplace: Path) -> None:
    with log_file(LogSettings(file=False), workplace, ()):
        log.info("Here")
    assert not list(workplace.iterdir())


def test_a_second_bot_writes_nothing_into_the_log_of_the_first(
    atelier: Atelier, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    (workplace / "data").mkdir()
    with FileLock(workplace / "data" / "atelier.lock"):
        assert atelier("run").code is Exit.STORAGE
    assert not (workplace / "data" / "log").exists()


@pytest.mark.parametrize(("level", "told"), [("debug", True), ("info", False)])
def test_the_level_decides_what_is_told(
    level: str, told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = LogSettings.model_validate({"level": level})
    start_logging(settings.number)
    logging.getLogger("engine.devices.dispatcher").debug("Job %d: %s", 7, "a house")
    logging.getLogger("aiosqlite").debug("executing INSERT … a house")
    error = capsys.readouterr().err
    assert ("Job 7: a house" in error) is told
    assert "INSERT" not in error
