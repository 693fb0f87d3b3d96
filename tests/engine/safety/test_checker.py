"""The judge: its thread, and what happens when the classifier cannot be had."""

import asyncio
import gc
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.hub import HubClient
from engine.safety.checker import NotChecked, SafetyChecker
from engine.safety.verdict import UNCHECKED, SafetyVerdict
from engine.settings import SafetySettings
from engine.worker.messages import Pixels
from tests.tiny.classifier import classifier

pytestmark = pytest.mark.usefixtures("one_thread")

WHITE, BLACK = Pixels(16, 16, b"\xff" * 768), Pixels(16, 16, b"\0" * 768)


async def test_pictures_are_judged_one_after_the_other_off_the_loop(tmp_path: Path) -> None:
    judge = SafetyChecker(
        SafetySettings(classifier=str(classifier(tmp_path, "bright"))), HubClient()
    )
    before = threading.enumerate()
    answers = await asyncio.gather(judge.judge([WHITE, BLACK]), judge.judge([BLACK]))
    assert [[each.flagged for each in verdicts] for verdicts in answers] == [[True, False], [False]]
    [thread] = [each for each in threading.enumerate() if each not in before]
    judge.leave()
    await asyncio.to_thread(thread.join, 5)
    assert not thread.is_alive()
    with pytest.raises(NotChecked):
        await judge.judge([WHITE])


async def test_a_classifier_that_was_not_there_is_tried_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "late"
    judge = SafetyChecker(SafetySettings(classifier=str(folder)), HubClient())
    assert await judge.judge([WHITE]) == (UNCHECKED,)
    classifier(folder, "none")
    assert await judge.judge([WHITE]) == (UNCHECKED,)
    assert caplog.text.count("nothing can judge them: “") == 2
    judge.leave()
    monkeypatch.setattr("engine.safety.checker.RETRY", 0.0)
    judge = SafetyChecker(SafetySettings(classifier=str(tmp_path / "later")), HubClient())
    assert await judge.judge([WHITE]) == (UNCHECKED,)
    classifier(tmp_path / "later", "none")
    [verdict] = await judge.judge([WHITE])
    assert (verdict.flagged, verdict.judged) == (False, True)
    judge.leave()


class Large(Pixels):
    """A picture whose traces can be looked for."""


async def test_a_classifier_that_is_not_there_keeps_no_pictures_in_memory(
    tmp_path: Path,
) -> None:
    judge = SafetyChecker(SafetySettings(classifier=str(tmp_path / "nowhere")), HubClient())
    for _ in range(5):
        assert await judge.judge([Large(16, 16, bytes(768))]) == (UNCHECKED,)
    await asyncio.sleep(0)
    gc.collect()
    held = [each for each in gc.get_objects() if type(each) is Large]
    assert len(held) <= 1, "at most the last one"
    judge.leave()


async def test_what_nobody_waits_for_any_more_is_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, go_on = threading.Event(), threading.Event()
    seen = []

    def look(self: SafetyChecker, pictures: Sequence[Pixels]) -> tuple[SafetyVerdict, ...]:
        looked.set()
        assert go_on.wait(30)
        seen.append(pictures)
        return (UNCHECKED,) * len(pictures)

    monkeypatch.setattr(SafetyChecker, "_look", look)
    judge = SafetyChecker(SafetySettings(classifier=str(tmp_path)), HubClient())
    tasks = [asyncio.create_task(judge.judge([each])) for each in (WHITE, BLACK, WHITE)]
    assert await asyncio.to_thread(looked.wait, 30)
    tasks[1].cancel()
    await asyncio.sleep(0.01)
    go_on.set()
    await asyncio.wait(tasks)
    judge.leave()
    assert seen == [[WHITE], [WHITE]]
