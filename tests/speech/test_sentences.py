"""Sentences are said in the language of the task, and can be said again in another."""

from __future__ import annotations

import asyncio
import copy
import pickle
from gettext import NullTranslations

import pytest

from speech import (
    current_language,
    language_for,
    load_sentence,
    retranslate,
    say,
    say_many,
    sentences,
    set_language,
    use_language,
)

CHINESE = {
    "{error} Try again.": "{error}请再试一次。",
    "A side has {most} pixels at most.": "边长最多 {most} 像素。",
    "{number} picture": "{number} 张图片",
}


class Chinese(NullTranslations):
    """A catalogue of three sentences."""

    def gettext(self, message: str) -> str:
        return CHINESE[message]

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return CHINESE[msgid1]


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"en": NullTranslations(), "zh_CN": Chinese()}
    monkeypatch.setattr(sentences, "catalogue", known.__getitem__)


def test_a_sentence_is_said_in_the_language_spoken_now() -> None:
    assert say("A side has {most} pixels at most.", most=64) == "A side has 64 pixels at most."
    with use_language("zh_CN"):
        assert say("A side has {most} pixels at most.", most=64) == "边长最多 64 像素。"


@pytest.mark.parametrize(("number", "said"), [(1, "1 picture"), (2, "2 pictures")])
def test_what_is_counted_takes_the_form_of_its_number(number: int, said: str) -> None:
    sentence = say_many("{number} picture", "{number} pictures", number)
    assert sentence == said
    with use_language("zh_CN"):
        assert retranslate(sentence) == f"{number} 张图片"


def test_a_kept_sentence_is_recalled_in_the_language_of_whoever_reads_it() -> None:
    reason = say("A side has {most} pixels at most.", most=64)
    kept = say("{error} Try again.", error=reason).to_json()
    assert load_sentence(kept) == "A side has 64 pixels at most. Try again."
    with use_language("zh_CN"):
        assert load_sentence(kept) == "边长最多 64 像素。请再试一次。"


@pytest.mark.parametrize("text", ["", "It broke.", "12", "{}", '{"one": 1}', "{not json"])
def test_text_that_was_never_a_sentence_stays_as_it_is(text: str) -> None:
    assert load_sentence(text) == text


async def test_each_task_speaks_for_itself() -> None:
    async def visit(locale: str) -> str:
        set_language(language_for(locale))
        await asyncio.sleep(0)
        return await asyncio.to_thread(lambda: say_many("{number} picture", "{number} pictures", 2))

    said = list(await asyncio.gather(visit("zh-CN"), visit("en-GB")))
    assert said == ["2 张图片", "2 pictures"]
    assert current_language() == "en"


@pytest.mark.parametrize(
    ("locale", "language"), [("zh-CN", "zh_CN"), ("en-US", "en"), ("de", "en"), ("", "en")]
)
def test_locales_without_a_catalogue_are_spoken_to_in_english(locale: str, language: str) -> None:
    assert language_for(locale) == language


def test_a_sentence_can_be_copied() -> None:
    said = say("{error} Try again.", error=say("A side has {most} pixels at most.", most=64))
    for same in (copy.copy(said), copy.deepcopy(said), pickle.loads(pickle.dumps(said))):
        assert (same, same.to_json()) == (said, said.to_json())
