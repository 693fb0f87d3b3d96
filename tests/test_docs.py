"""The pages for people: the same in both languages, and true about commands and settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from cli.app import app
from cli.exits import Exit
from cli.models.plan_text import show_plan
from engine.memory.plan_table import tabulate
from engine.models.families import FAMILIES
from engine.prompts.flag_table import ALIASES
from speech import translation
from tests.engine.memory.models import plan_request
from tests.family_table import outdated
from tests.pages import EMPHASIS, ROOT, Page, buttons, code, commands, numbers, pairs, rows

MARKS = ("\n| ", "\n- ", "\n1. ", "\n2. ", "\n<img ", "![", "✓")
MODELS = Page(Path("docs", "models.md"))


def test_both_languages_have_the_same_structure() -> None:
    different = []
    for english, chinese in pairs():
        assert len(english.sections) == len(chinese.sections), english.path
        for ours, theirs in zip(english.sections, chinese.sections, strict=True):
            named = {name for name in code(theirs) if name[1:] in in_chinese()}
            if not (
                ours.index(" ") == theirs.index(" ")
                and [ours.count(mark) for mark in MARKS] == [theirs.count(mark) for mark in MARKS]
                and numbers(ours) == numbers(theirs)
                and code(ours) == code(theirs) - named
            ):
                different.append((str(chinese.path), theirs.partition("\n")[0]))
        assert english.fences == chinese.fences, english.path
    assert different == []


def test_both_languages_link_to_the_same() -> None:
    for english, chinese in pairs():
        here = sorted(str(path) for path, _ in english.linked())
        there = sorted(re.sub(r"/zh-CN\b", "", str(path)) for path, _ in chinese.linked())
        twins = {"README.md": "README.zh-CN.md"}
        assert here == sorted(twins.get(path, path) for path in there), chinese.path


def test_links_and_anchors_lead_somewhere() -> None:
    everything = [Page(path.relative_to(ROOT)) for path in ROOT.glob("*.md")]
    everything += [Page(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.path}: {path}#{anchor}"
        for page in everything
        for path, anchor in page.linked()
        if not (ROOT / path).exists() or (anchor and anchor not in Page(path).anchors)
    ]
    assert broken == []


def test_the_map_of_the_code_names_what_is_there() -> None:
    page = Page(Path("CONTRIBUTING.md"))
    named = {part for cell in rows(page.section("Map")) for part in code(cell[0]) if "/" in part}
    folders = {f"{folder.parent.name}/{folder.name}/" for folder in _packages("cogs", "engine")}
    assert {part for part in named if not (ROOT / part).exists()} == set()
    assert folders - named == set()


def test_moderators_are_told_who_can_use_each_command() -> None:
    for names, who, _ in rows(Page(Path("docs", "moderators.md")).sections[0]):
        assert {commands()[name[1:]][1] for name in code(names)} == {who}, names


def test_no_command_is_named_that_does_not_exist() -> None:
    known = tuple(f"/{name}" for name in commands())
    paths = ("/models/", "/opt/", "/etc/", "/data", "/dev/", "/metrics", "/healthz")
    named = {each for english, _ in pairs() for each in code(english.prose) if each[0] == "/"}
    assert {each for each in named if not each.startswith((*known, *paths))} == set()


def test_buttons_and_menus_are_called_as_people_see_them() -> None:
    for english, chinese in pairs():
        ours, theirs = (list(buttons(page.text)) for page in (english, chinese))
        assert [(sign, translation(label, "zh_CN")) for sign, label in ours] == theirs
        words = {_translated(each) for each in EMPHASIS.findall(english.prose)}
        assert words == set(EMPHASIS.findall(chinese.prose)), chinese.path


def test_flags_are_explained() -> None:
    explained = code(Page(Path("docs", "members.md")).section("Flags"))
    assert {f"--{name}" for name in ALIASES} - {each.split()[0] for each in explained} == set()


def test_the_command_line_is_explained() -> None:
    page = Page(Path("docs", "cli.md"))
    for line, options in _lines(typer.main.get_command(app), "bot.py"):
        explained = {each.split()[0] for each in code(page.section(f"`{line}`"))}
        assert options <= explained, line
    codes = {int(number): meaning for number, meaning in rows(page.section("Exit codes"))}
    assert codes == {each.value: each.meaning for each in Exit}


def test_families_are_listed_with_what_they_can_do() -> None:
    """And how new checkpoints run: run `python -m tests.family_table`."""
    assert not list(outdated())
    listed = rows(MODELS.section("Families"))
    assert [row[0] for row in listed] == [facts.label for facts in FAMILIES.values()]
    abilities = {row[0]: [bool(cell) for cell in row[1:4]] for row in listed}
    assert abilities["Stable Diffusion XL"] == [True, True, True]
    assert abilities["Sana"] == [True, False, False]


def test_the_plan_in_the_page_is_the_one_that_is_printed(capsys: Any) -> None:
    show_plan(tabulate(plan_request("sdxl", 8)))
    printed = {line.rstrip() for line in capsys.readouterr().out.splitlines()}
    [plan] = [fence for fence in MODELS.fences if fence.startswith("```text")]
    assert set(plan.splitlines()[1:-1]) - printed == {"…"}


def _packages(*wings: str) -> Iterator[Path]:
    """The packages right below the wings."""
    for wing in wings:
        yield from (file.parent for file in (ROOT / wing).glob("*/__init__.py"))


def in_chinese() -> set[str]:
    return {chinese for chinese, _ in commands().values()}


def _translated(text: str) -> str:
    apps = {"Apps": "应用"}  # Discord's own word
    return (
        apps.get(text) or translation(text, "zh_CN") or translation(text, "zh_CN", "menu") or text
    )


def _lines(command: Any, line: str) -> Iterator[tuple[str, set[str]]]:
    """What is typed for each command, with its arguments, and its options."""
    shared = {"--config", "--help"}
    options = {name for each in command.params for name in each.opts if name.startswith("--")}
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    shown = "".join(
        f" {each.metavar}" if each.required else f" [{each.metavar}]" for each in arguments
    )
    if line != "bot.py":
        yield f"{line}{shown}", options - shared
    for name, inner in getattr(command, "commands", {}).items():
        yield from _lines(inner, f"{line} {name}")
