"""The judge: its thread, and what happens when the classifier cannot be had."""

import asyncio
import threading
from pathlib import Path

import pytest

from engine.judge import Judge, LeftUnjudged
from engine.library import Hub
from engine.messages import Pixels
from engine.settings import SafetySettings
from engine.verdicts import UNJUDGED
from tests.tiny.classifier import classifier

pytestmark = pytest.mark.usefixtures("one_thread")

WHITE, BLACK = Pixels(16, 16, b"\xff" * 768), Pixels(16, 16, b"\0" * 768)


async def test_pictures_are_judged_one_after_the_other_off_the_loop(tmp_path: Path) -> None:
    judge = Judge(SafetySettings(classifier=str(classifier(tmp_path, "bright"))), Hub())
    before = threading.enumerate()
    answers = await asyncio.gather(judge.judge([WHITE, BLACK]), judge.judge([BLACK]))
    assert [[each.flagged for each in verdicts] for verdicts in answers] == [[True, False], [False]]
    [thread] = [each for each in threading.enumerate() if each not in before]
    judge.leave()
    await asyncio.to_thread(thread.join, 5)
    assert not thread.is_alive()
    with pytest.raises(LeftUnjudged):
        await judge.judge([WHITE])


async def test_a_classifier_that_was_not_there_is_tried_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "late"
    judge = Judge(SafetySettings(classifier=str(folder)), Hub())
    assert await judge.judge([WHITE]) == (UNJUDGED,)
    classifier(folder, "none")
    assert await judge.judge([WHITE]) == (UNJUDGED,)
    assert caplog.text.count("nothing can judge them: There is no folder") == 2
    judge.leave()
    monkeypatch.setattr("engine.judge.RETRY", 0.0)
    judge = Judge(SafetySettings(classifier=str(tmp_path / "later")), Hub())
    assert await judge.judge([WHITE]) == (UNJUDGED,)
    classifier(tmp_path / "later", "none")
    [verdict] = await judge.judge([WHITE])
    assert (verdict.flagged, verdict.judged) == (False, True)
    judge.leave()
