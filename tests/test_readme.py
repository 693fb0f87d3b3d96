"""README.md is short, and the lines that it has people paste are the ones that are tested."""

from __future__ import annotations

import re
from pathlib import Path

from tests.pages import ROOT, Page, rows

README = Page(Path("README.md"))
PAINTS = (
    "python3 -m venv .venv && .venv/bin/pip install -e . && "
    '.venv/bin/python bot.py imagine "a red house under a yellow moon"'
)


def test_it_is_read_in_a_minute() -> None:
    assert len(README.text.splitlines()) <= 110


def test_one_line_paints_and_one_line_tests() -> None:
    assert f"```sh\n{PAINTS}\n```" in README.fences
    tests = next(line for line in README.text.splitlines() if "-m pytest" in line)
    assert tests.endswith(".venv/bin/python -m pytest")


def test_there_is_a_model_for_each_card_of_the_example() -> None:
    example = (ROOT / "config.example.toml").read_text("utf-8")
    cards = set(re.findall(r"^# (\d+ GB): ", example, re.MULTILINE))
    assert cards <= {row[0] for row in rows(README.section("What card do you need?"))}
