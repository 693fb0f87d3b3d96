"""The safety checker's thread, and what happens when the classifier can't be loaded."""

import asyncio
import gc
import multiprocessing
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from engine.devices.messages import Pixels
from engine.hub import HubClient
from engine.models.download_manager import DownloadManager
from engine.safety.checker import SafetyChecker
from engine.safety.classifier import ClassifierThread, LazyClassifier, NotChecked
from engine.safety.classifier_process import ClassifierProcess
from engine.safety.verdict import UNCHECKED, SafetyVerdict
from engine.settings import SafetySettings
from engine.store import Database, JobTable, SafetyTable
from tests.engine.builders import recipe
from tests.tiny.classifier import classifier

pytestmark = pytest.mark.usefixtures("one_thread")

WHITE, BLACK = Pixels(16, 16, b"\xff" * 768), Pixels(16, 16, b"\0" * 768)

MakeChecker = Callable[..., SafetyChecker]


@pytest.fixture
async def checker_of(tmp_path: Path) -> AsyncIterator[MakeChecker]:
    """Makes a safety checker with the classifier in a folder."""
    async with Database(tmp_path / "atelier.db") as database:
        table, jobs = SafetyTable(database), JobTable(database, tmp_path)
        downloads = DownloadManager(HubClient())

        def make(
            folder: Path, host: type[ClassifierThread | ClassifierProcess] = ClassifierThread
        ) -> SafetyChecker:
            rules = SafetySettings(classifier=str(folder))
            return SafetyChecker(rules, table, jobs, host(rules, downloads.classifier))

        yield make


async def check(checker: SafetyChecker, *pictures: Pixels) -> tuple[SafetyVerdict, ...]:
    return await checker.check(recipe(), None, pictures)


async def test_pictures_are_checked_one_after_the_other_off_the_loop(
    tmp_path: Path, checker_of: MakeChecker
) -> None:
    checker = checker_of(classifier(tmp_path / "bright", "bright"))
    before = threading.enumerate()
    answers = await asyncio.gather(check(checker, WHITE, BLACK), check(checker, BLACK))
    assert [[each.flagged for each in verdicts] for verdicts in answers] == [[True, False], [False]]
    [thread] = [each for each in threading.enumerate() if each not in before]
    await checker.stop()
    assert not thread.is_alive()
    with pytest.raises(NotChecked):
        await check(checker, WHITE)


async def test_a_classifier_that_was_not_there_is_tried_again_after_a_while(
    tmp_path: Path,
    checker_of: MakeChecker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = tmp_path / "late"
    checker = checker_of(folder)
    assert await check(checker, WHITE) == (UNCHECKED,)
    classifier(folder, "none")
    assert await check(checker, WHITE) == (UNCHECKED,)
    assert caplog.text.count("nothing can check them: “") == 2
    await checker.stop()
    monkeypatch.setattr("engine.safety.classifier.RETRY_AFTER", 0.0)
    checker = checker_of(tmp_path / "later")
    assert await check(checker, WHITE) == (UNCHECKED,)
    classifier(tmp_path / "later", "none")
    [verdict] = await check(checker, WHITE)
    assert (verdict.flagged, verdict.checked) == (False, True)
    await checker.stop()


class Large(Pixels):
    """A picture that can be found among all objects."""


async def test_a_classifier_that_is_not_there_keeps_no_pictures_in_memory(
    tmp_path: Path, checker_of: MakeChecker
) -> None:
    checker = checker_of(tmp_path / "nowhere")
    for _ in range(5):
        assert await check(checker, Large(16, 16, bytes(768))) == (UNCHECKED,)
    await asyncio.sleep(0)
    gc.collect()
    held = [each for each in gc.get_objects() if type(each) is Large]
    assert len(held) <= 1, "at most the last one"
    await checker.stop()


async def test_a_cancelled_check_is_not_carried_out(
    tmp_path: Path, checker_of: MakeChecker, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    seen = []

    def classify(self: LazyClassifier, pictures: Sequence[Pixels]) -> tuple[SafetyVerdict, ...]:
        begun.set()
        assert go_on.wait(30)
        seen.append(pictures)
        return (UNCHECKED,) * len(pictures)

    monkeypatch.setattr(LazyClassifier, "classify", classify)
    checker = checker_of(tmp_path)
    tasks = [asyncio.create_task(check(checker, each)) for each in (WHITE, BLACK, WHITE)]
    assert await asyncio.to_thread(begun.wait, 30)
    tasks[1].cancel()
    await asyncio.sleep(0.01)
    go_on.set()
    await asyncio.wait(tasks)
    await checker.stop()
    assert seen == [(WHITE,), (WHITE,)]


@pytest.mark.parametrize("host", [ClassifierThread, ClassifierProcess])
async def test_other_settings_count_for_what_comes_after(
    tmp_path: Path,
    checker_of: MakeChecker,
    host: type[ClassifierThread | ClassifierProcess],
    forked: None,
) -> None:
    folder = classifier(tmp_path / "bright", "bright")
    checker, other = (
        checker_of(folder, host),
        SafetySettings(classifier=str(folder), labels=("normal",)),
    )
    asked = [asyncio.create_task(check(checker, WHITE, BLACK)) for _ in range(2)]
    await asyncio.sleep(0)
    replaced = host(other, lambda name: Path(name))
    await checker.replace(other, replaced)
    after = await check(checker, WHITE, BLACK)
    before = [[each.flagged for each in verdicts] for verdicts in await asyncio.gather(*asked)]
    assert before == [[True, False]] * 2
    assert [each.flagged for each in after] == [False, True]
    await checker.stop()


async def test_a_process_of_its_own(tmp_path: Path, checker_of: MakeChecker, forked: None) -> None:
    """It answers as the thread does, may die, and ends with the checker."""
    checker = checker_of(classifier(tmp_path / "bright", "bright"), ClassifierProcess)
    answers = await asyncio.gather(check(checker, WHITE, BLACK), check(checker, BLACK))
    assert [[each.flagged for each in verdicts] for verdicts in answers] == [[True, False], [False]]
    [process] = multiprocessing.active_children()
    process.kill()
    [verdict] = await check(checker, WHITE)
    assert verdict.checked, "it gets a new process"
    await checker.stop()
    assert not multiprocessing.active_children()
    with pytest.raises(NotChecked):
        await check(checker, WHITE)


async def test_a_missing_classifier_is_reported_by_the_process(
    tmp_path: Path, checker_of: MakeChecker, forked: None, caplog: pytest.LogCaptureFixture
) -> None:
    checker = checker_of(tmp_path / "nowhere", ClassifierProcess)
    assert await check(checker, WHITE) == (UNCHECKED,)
    assert "nothing can check them: “" in caplog.text
    await checker.stop()
