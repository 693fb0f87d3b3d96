"""What the tests of the commands share: an empty working directory and a way to call."""

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import main
from cli.exits import Exit
from tests.engine.hub.conftest import cache as cache
from tests.engine.hub.conftest import fox as fox
from tests.engine.hub.conftest import server as server

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.abc-def.ghi_jkl"
"""Of the right shape; its first part is the application id 123456789012345678."""


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: Exit
    out: str
    err: str


Atelier = Callable[..., Result]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and an environment without settings."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("ATELIER_") or name == "DISCORD_TOKEN":
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level


@pytest.fixture
def atelier(capsys: pytest.CaptureFixture[str]) -> Atelier:
    """Call `python bot.py` with arguments, within this process."""

    def call(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as end:
            main(arguments)
        captured = capsys.readouterr()
        code = next(code for code in Exit if code == (end.value.code or 0))
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture
def config(workplace: Path) -> Callable[[str], Path]:
    """Write `config.toml` in the working directory."""

    def write(text: str) -> Path:
        file = workplace / "config.toml"
        file.write_text(text, "utf-8")
        return file

    return write
