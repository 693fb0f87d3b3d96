"""Errors are told to each person in their language, and written into the log in English."""

import logging
from pathlib import Path

import pytest

from engine import (
    AtelierError,
    ImageRequest,
    InvalidRequest,
    JobState,
    LimitReached,
    ModelUnavailable,
    Requester,
    UnknownModel,
    open_studio,
    without_flags,
    without_folders,
)
from engine.models.catalogue import SKETCH, Catalogue
from engine.store import Database, JobTable, Outcomes
from speech import Sentence, load_sentence, retranslate, say, use_language
from tests.engine.builders import engine_settings, recipe
from tests.speech.chinese import say_in_chinese

CHINESE = {
    "{items}, {last}": "{items}、{last}",
    "width": "宽度",
    "number of steps": "步数",
    "{path} cannot be read.": "无法读取 {path}。",
    "The model “{model}” couldn't be loaded. {reason}": "无法加载模型“{model}”。{reason}",
    "The {what} must be between {low} and {high}, not {value}.": (
        "{what}为 {value}，必须在 {low} 到 {high} 之间。"
    ),
    "The {side} is {number} pixel, but {model} paints {least} to {most}.": (
        "{side}为 {number} 像素；{model} 可绘制 {least} 到 {most} 像素。"
    ),
    "There's no scheduler “{scheduler}”. Available: {known}.": (
        "没有调度器“{scheduler}”，只有{known}。"
    ),
    "There's no flag {flag}. Did you mean {near}? Available flags: {known}.": (
        "没有参数 {flag}。是不是 {near}？可用：{known}。"
    ),
    "There's no model “{name}”. Did you mean “{near}”? Models: {known}.": (
        "没有模型“{name}”。是不是“{near}”？现有：{known}。"
    ),
    "There's no LoRA “{name}”. None have been set up here.": "没有 LoRA“{name}”，这里尚未设置。",
    "[engine] device is set to “{name}”, but torch {version} found {number} such device here. "
    "“auto” and “cpu” always work.": "没有“{name}”：torch {version} 找到 {number} 个。",
    "The model “{model}” is no longer configured.": "模型“{model}”已不在设置中。",
}


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    say_in_chinese(monkeypatch, CHINESE)


def unreadable(path: str) -> ModelUnavailable:
    """An error that wraps another one's sentence."""
    reason = AtelierError(say("{path} cannot be read.", path=path)).sentence
    return ModelUnavailable(
        say("The model “{model}” couldn't be loaded. {reason}", model="tiny", reason=reason)
    )


def test_an_error_is_told_in_the_language_spoken_and_logged_in_english(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with use_language("zh_CN"):
        error = unreadable("a.bin")
        assert error.sentence == "无法加载模型“tiny”。无法读取 a.bin。"
        logging.getLogger("engine").error("It broke: %s", error)
    assert caplog.messages == [
        "It broke: The model “tiny” couldn't be loaded. a.bin cannot be read."
    ]


def test_an_error_that_another_person_has_met_is_said_again_in_ones_own_language() -> None:
    with use_language("zh_CN"):
        error = LimitReached(say("{path} cannot be read.", path="a.bin"), 12.0)
    assert retranslate(error.sentence) == str(error) == "a.bin cannot be read."


def test_members_are_not_told_folders_in_any_language() -> None:
    told = without_folders(unreadable("/srv/models/secret/a.bin").sentence)
    assert told == "The model “tiny” couldn't be loaded. a.bin cannot be read."
    assert isinstance(told, Sentence)
    assert "secret" not in told.to_json()
    with use_language("zh_CN"):
        assert load_sentence(told.to_json()) == "无法加载模型“tiny”。无法读取 a.bin。"


def test_numbers_are_still_numbers_without_folders() -> None:
    told = without_folders(say("{path} has {share:.0%} of it.", path=Path("/srv/a"), share=0.5))
    assert told == "a has 50% of it."


def ask(prompt: str = "a fox", **changes: object) -> None:
    words, flags = without_flags(prompt)
    request = ImageRequest(prompt=words, **changes)  # type: ignore[arg-type]
    flags.applied_to(request, SKETCH).resolve(SKETCH)


def test_what_is_wrong_with_a_request_is_told_in_the_members_language() -> None:
    with use_language("zh_CN"):
        for prompt, changes, sentence in (
            ("a fox", {"width": 64}, "宽度为 64 像素；sketch 可绘制 96 到 192 像素。"),
            ("a fox --steps 999", {}, "步数为 999，必须在 1 到 150 之间。"),
            ("a fox", {"scheduler": "no"}, "没有调度器“no”，只有ddim、ddpm、"),
            ("a fox --sed 7", {}, "没有参数 --sed。是不是 --seed？可用：--ar --size "),
            ("a fox <lora:ink>", {}, "没有 LoRA“ink”，这里尚未设置。"),
        ):
            with pytest.raises(InvalidRequest) as caught:
                ask(prompt, **changes)
            assert caught.value.sentence.startswith(sentence)
        with pytest.raises(UnknownModel) as unknown:
            Catalogue({}, "sketch")["skech"]
        assert unknown.value.sentence == "没有模型“skech”。是不是“sketch”？现有：sketch。"


async def test_a_failure_is_told_in_the_language_of_whoever_looks_also_after_a_restart(
    tmp_path: Path,
) -> None:
    settings = engine_settings(device="cuda:99", default_model="sketch")
    english, chinese = (
        "[engine] device is set to “cuda:99”",
        "没有“cuda:99”：",
    )
    async with open_studio(settings, {}, tmp_path) as studio:
        with use_language("zh_CN"):  # whoever asks has no say in what others read
            job = await studio.submit(ImageRequest(prompt="a fox"), Requester(owner="ada"))
        over = [event async for event in studio.watch(job.id)][-1]
        assert over.state is JobState.FAILED
        assert retranslate(over.error or "").startswith(english)
        with use_language("zh_CN"):
            assert retranslate(over.error or "").startswith(chinese)
    async with open_studio(settings, {}, tmp_path) as studio:
        assert str((await studio.job(job.id)).error).startswith(english)
        with use_language("zh_CN"):
            assert str((await studio.job(job.id)).error).startswith(chinese)
            report = await studio.report()
    assert report.tally.failures[0].sentence.startswith(chinese)
    assert report.problems[0].startswith(chinese)


async def test_a_model_that_went_away_is_told_in_both_languages(tmp_path: Path) -> None:
    async with Database(tmp_path / "atelier.db") as database:
        job = await JobTable(database, tmp_path).add(Requester(owner="ada"), recipe(model="gone"))
    async with open_studio(engine_settings(default_model="sketch"), {}, tmp_path) as studio:
        told = (await studio.job(job.id)).error or ""
    assert told == "The model “gone” is no longer configured."
    with use_language("zh_CN"):
        assert retranslate(told) == "模型“gone”已不在设置中。"


async def test_a_failure_of_an_older_version_is_shown_as_it_was_written(tmp_path: Path) -> None:
    async with Database(tmp_path / "atelier.db") as database:
        jobs = JobTable(database, tmp_path)
        job = await jobs.add(Requester(owner="ada"), recipe())
        await jobs.set_state(job.id, JobState.FAILED, "It broke.")
        assert (await jobs.get(job.id)).error == "It broke."
        [failure] = (await Outcomes(database).tally()).failures
    assert failure.sentence == "It broke."
