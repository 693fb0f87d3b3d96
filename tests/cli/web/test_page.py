"""The page: what is on it, in which language, and what isn't."""

from __future__ import annotations

import asyncio
import logging
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cli.web.models import ModelRows
from cli.web.page import SECTIONS, language_of
from engine import TrainingKind, TrainingState
from tests.cli.web.conftest import PRIVATE, PUBLIC, House, opened
from tests.engine.gate import Gate

ROOT = Path(__file__).parents[3]
TEMPLATES = sorted((ROOT / "cli" / "web" / "templates").glob("*.html"))
NAMES = {"Atelier", "Discord"}
EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)> {{ 7 * 7 }}'


class Elements(HTMLParser):
    """All elements of a page: tag and attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


async def test_what_is_painted_and_waits_is_shown_but_nothing_private(
    house: House, gate: Gate
) -> None:
    gate.shut()
    await house.submit(prompt="a lighthouse", owner="ada")
    await house.submit(PRIVATE, prompt="a diary", owner="bob")
    await house.submit(prompt="a fox", owner="cleo", num_inference_steps=3, count=2)
    assert await asyncio.to_thread(gate.reached.wait, 60)
    html = (await house.get("/")).text
    assert "a lighthouse" in html
    assert "a fox" in html
    assert "a diary" not in html
    assert "Not public" in html
    assert "ada" not in re.sub(r"metadata", "", html), "nobody is named"
    assert "<h2>Devices</h2>" not in html, "there is only one"
    gate.open()


async def test_trainings_are_named_where_everyone_sees_their_message(house: House) -> None:
    table = house.studio._store.trainings
    places = [("zork", PUBLIC, False), ("gift", PRIVATE, False), ("diary", PUBLIC, True)]
    for name, place, private in places:
        training = await table.add(
            owner="ada",
            scope="guild:1",
            message_ref=place,
            name=name,
            model="tiny",
            kind=next(iter(TrainingKind)),
            trigger=name,
            private=private,
        )
        await table.set(training.id, state=TrainingState.PAUSED)
    html = (await house.get("/")).text
    assert "zork" in html
    assert "gift" not in html
    assert "diary" not in html
    assert html.count("Not public") == 2


async def test_what_members_write_is_text(house: House, gate: Gate) -> None:
    gate.shut()
    await house.submit(prompt=EVIL)
    logging.getLogger("test").addHandler(house.problems)
    logging.getLogger("test").warning("Somebody wrote %s", EVIL)
    logging.getLogger("test").removeHandler(house.problems)
    house.bot.name = EVIL
    html = (await house.get("/")).text
    tags = [tag for tag, _ in Elements(html).found]
    assert tags.count("script") == 1, "the page's own"
    assert html.count("alert(1)") > 3
    assert "49" not in re.findall(r"\{\{.*?\}\}|\b49\b", html)
    assert not any("onerror" in attributes for _, attributes in Elements(html).found)
    gate.open()


async def test_the_page_needs_no_other_host_and_nothing_inline(house: House) -> None:
    await house.painted()
    html = (await house.get("/")).text
    for tag, attributes in Elements(html).found:
        assert "style" not in attributes, tag
        assert not any(name.startswith("on") for name in attributes), tag
        for name in ("src", "href", "action"):
            address = attributes.get(name)
            assert address is None or re.match(r"/(?!/)", address), address
    assert re.search(r"<script[^>]*src=[^>]*></script>", html)
    assert "<style" not in html
    for name in ("page.css", "page.js", "icon.svg"):
        answer = await house.get(f"/static/{name}")
        assert answer.status_code == 200
        assert "http" not in answer.text.replace("http://www.w3.org/2000/svg", "").replace(
            "https://html", ""
        )


async def test_it_speaks_the_language_of_the_browser(house: House) -> None:
    english = await house.get("/", **{"Accept-Language": "de-DE,en;q=0.5"})
    chinese = await house.get("/", **{"Accept-Language": "zh-Hans-CN,zh;q=0.9,en;q=0.8"})
    assert 'lang="en"' in english.text
    assert "Painting now" in english.text
    assert 'lang="zh-CN"' in chinese.text
    assert "正在绘制" in chinese.text
    assert "Painting now" not in chinese.text
    assert chinese.headers["Vary"] == "Accept-Language"


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "en"), ("fr, zh;q=0.1", "zh_CN"), ("*", "en"), ("EN-us", "en"), (",;-,", "en")],
)
def test_languages_that_are_not_spoken_are_passed_over(header: str, language: str) -> None:
    assert language_of(header) == language


async def test_models_are_shown_with_their_plans_as_soon_as_those_are_known(house: House) -> None:
    assert "not looked at yet" in (await house.get("/")).text
    rows = ModelRows(house.studio)
    assert [(row.name, row.facts) for row in rows.rows()] == [("tiny", None), ("sketch", None)]
    await rows._facts.get()
    [tiny, sketch] = rows.rows()
    assert tiny.is_default
    for row in (tiny, sketch):
        assert row.facts is not None
        assert row.facts.plan is not None
        assert row.facts.plan.summary.startswith("everything on the device")


async def test_devices_have_a_section_once_there_are_several(
    tmp_path: Path, tiny_model: Path, one_thread: None
) -> None:
    async with opened(tmp_path / "data", tiny_model, device=["cuda:98", "cpu"]) as house:
        html = (await house.get("/")).text
        assert "<h2>Devices</h2>" in html
        for device in house.studio.devices:
            assert f"<strong>{device.name}</strong></td><td>idle</td>" in html


async def test_problems_are_shown_newest_first_and_without_secrets(house: House) -> None:
    log = logging.getLogger("test")
    log.addHandler(house.problems)
    try:
        log.info("all is well")
        log.warning("the first, hunter2")
        try:
            raise ValueError("hunter2 is wrong")
        except ValueError:
            log.exception("the second")
        for number in range(100):
            log.warning("later %d", number)
        log.error("the last")
    finally:
        log.removeHandler(house.problems)
    assert len(house.problems.latest(1000)) == 50
    assert [each.text for each in house.problems.latest(2)] == ["the last", "later 99"]
    html = (await house.get("/")).text
    assert html.index("the last") < html.index("later 99")
    assert "hunter2" not in html
    assert "all is well" not in html


async def test_a_database_that_does_not_answer_is_told_and_the_rest_is_shown(
    tmp_path: Path, tiny_model: Path, one_thread: None
) -> None:
    async with opened(tmp_path / "data", tiny_model) as house:
        await house.painted()
    html = (await house.get("/")).text  # the studio is closed
    assert "The database doesn&#39;t answer" in html
    assert "Queue" in html
    assert (await house.get("/healthz")).status_code == 503


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_every_word_in_a_template_is_said(template: Path) -> None:
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|<[^>]*>", " ", template.read_text("utf-8"))
    assert {word for word in re.findall(r"[A-Za-z]{2,}", text) if word not in NAMES} == set()


def test_every_section_has_a_place_on_the_page() -> None:
    html = (ROOT / "cli" / "web" / "templates" / "page.html").read_text("utf-8")
    assert sorted(re.findall(r'id="(\w+)"[^>]*>\{\{ sections\.\1 \}\}', html)) == sorted(SECTIONS)
