"""What there is in a row."""

from __future__ import annotations

import pytest

from speech import AND, OR, Sentence, join_list, join_sentences, load_sentence, use_language

from .chinese import say_in_chinese


@pytest.mark.parametrize(
    ("items", "last", "row"),
    [
        ([], AND, ""),
        (["a"], AND, "a"),
        (["a", "b"], AND, "a and b"),
        (["a", "b", "c"], AND, "a, b and c"),
        (["a", "b", "c", "d", "e"], OR, "a, b, c, d or e"),
    ],
)
def test_the_last_one_is_joined_as_it_should_be(items: list[str], last: str, row: str) -> None:
    assert join_list(items, last) == row


def test_commas_are_those_of_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    say_in_chinese(
        monkeypatch, {"{items}, {last}": "{items}、{last}", "{items} and {last}": "{items}和{last}"}
    )
    row = join_list(["euler", "heun", "ddim"])
    assert row == "euler, heun, ddim"
    assert isinstance(row, Sentence)
    with use_language("zh_CN"):
        assert load_sentence(row.to_json()) == "euler、heun、ddim"
        assert join_list(["a", "b", "c"], AND) == "a、b和c"


def test_a_long_row_can_be_kept() -> None:
    names = [f"model-{number}" for number in range(2000)]
    row = join_list(names)
    assert isinstance(row, Sentence)
    assert load_sentence(row.to_json()) == ", ".join(names)


def test_sentences_follow_each_other_as_in_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    assert join_sentences("Gone.", "Ask again.", "Or not.") == "Gone. Ask again. Or not."
    say_in_chinese(monkeypatch, {"{before} {after}": "{before}{after}"})
    with use_language("zh_CN"):
        assert join_sentences("没有了。", "请再问一次。") == "没有了。请再问一次。"
