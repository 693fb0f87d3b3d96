"""The page while somebody looks at it: what has changed is sent, to a bounded number of readers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, cast

import pytest
from starlette.types import Message

from cli.web.live import MAX_READERS, Live
from cli.web.page import Page
from tests.cli.web.conftest import House


class Notes:
    """A page that says what it is told to; rendering is counted."""

    def __init__(self) -> None:
        self.said = {"a": "1", "b": "1"}

    async def sections(self, language: str) -> Mapping[str, str]:
        return dict(self.said) | {"language": language}


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Notes:
    monkeypatch.setattr("cli.web.live.INTERVAL", 0.01)
    return Notes()


def live_of(notes: Notes) -> Live:
    return Live(cast(Page, notes))


def sections(event: str) -> dict[str, str]:
    """What an event brings."""
    kind, data = event.strip().split("\n")
    assert kind == "event: sections"
    return cast(dict[str, str], json.loads(data.removeprefix("data: ")))


async def test_at_first_everything_is_sent_and_then_what_has_changed(notes: Notes) -> None:
    live = live_of(notes)
    events = live.events("zh_CN")
    assert (await anext(events)).startswith("retry:")
    assert sections(await anext(events)) == {"a": "1", "b": "1", "language": "zh_CN"}
    notes.said["b"] = "2\n\nevent: evil\ndata: x"
    assert sections(await anext(events)) == {"b": "2\n\nevent: evil\ndata: x"}
    live.close()
    assert [event async for event in events] == []


async def test_a_reader_hears_something_even_if_nothing_changes(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.web.live.SILENCE", 0.02)
    events = live_of(notes).events("en")
    await anext(events)
    await anext(events)
    assert (await anext(events)).startswith(":")
    await events.aclose()


class Reader:
    """A browser that follows, and may stop reading."""

    def __init__(self, live: Live, *, reads: bool = True) -> None:
        self.status = 0
        self.answered, self.gone = asyncio.Event(), asyncio.Event()
        self._reads = reads
        self._answer = live.response("en")

    async def follow(self) -> None:
        scope: dict[str, Any] = {"type": "http", "asgi": {"spec_version": "2.3"}}
        await self._answer(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.answered.set()
        elif not self._reads:
            await asyncio.Event().wait()


async def test_ten_thousand_readers_are_bounded_and_those_that_leave_make_room(
    notes: Notes,
) -> None:
    live = live_of(notes)
    first = [Reader(live) for _ in range(MAX_READERS)]
    tasks = [asyncio.create_task(reader.follow()) for reader in first]
    await asyncio.gather(*(reader.answered.wait() for reader in first))
    others = [Reader(live) for _ in range(10_000 - MAX_READERS)]
    await asyncio.gather(*(reader.follow() for reader in others))
    assert {reader.status for reader in first} == {200}
    assert {reader.status for reader in others} == {503}
    first[0].gone.set()
    await tasks[0]
    assert live.response("en").status_code == 200
    live.close()
    await asyncio.gather(*tasks)
    assert live.response("en").status_code == 503, "the bot stops"


async def test_one_that_does_not_read_is_let_go(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.web.live.LIFETIME", 0.05)
    live = live_of(notes)
    async with asyncio.timeout(30):
        await Reader(live, reads=False).follow()
    assert live.response("en").status_code == 200


@pytest.mark.slow
async def test_two_hundred_pages_at_once_leave_the_event_loop_time(house: House) -> None:
    await house.painted()
    await house.get("/")
    lags: list[float] = []
    done = asyncio.Event()

    async def watch() -> None:
        while not done.is_set():
            due = time.monotonic() + 0.01
            await asyncio.sleep(0.01)
            lags.append(time.monotonic() - due)

    watching = asyncio.create_task(watch())
    async with house.browser() as browser:
        answers = await asyncio.gather(*(browser.get("/") for _ in range(200)))
        await asyncio.gather(*(browser.get("/metrics") for _ in range(50)))
    done.set()
    await watching
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(lags)[len(lags) // 2] < 1, f"the worst of {len(lags)}: {max(lags):.3f} s"
