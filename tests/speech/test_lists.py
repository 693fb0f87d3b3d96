"""What there is in a row."""

from __future__ import annotations

import pytest

from speech import AND, OR, Sentence, listed, recalled, speaking, together

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
    assert listed(items, last) == row


def test_commas_are_those_of_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    say_in_chinese(
        monkeypatch, {"{items}, {last}": "{items}、{last}", "{items} and {last}": "{items}和{last}"}
    )
    row = listed(["euler", "heun", "ddim"])
    assert row == "euler, heun, ddim"
    assert isinstance(row, Sentence)
    with speaking("zh_CN"):
        assert recalled(row.kept()) == "euler、heun、ddim"
        assert listed(["a", "b", "c"], AND) == "a、b和c"


def test_a_long_row_can_be_kept() -> None:
    names = [f"model-{number}" for number in range(2000)]
    row = listed(names)
    assert isinstance(row, Sentence)
    assert recalled(row.kept()) == ", ".join(names)


def test_sentences_follow_each_other_as_in_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    assert together("Gone.", "Ask again.", "Or not.") == "Gone. Ask again. Or not."
    say_in_chinese(monkeypatch, {"{before} {after}": "{before}{after}"})
    with speaking("zh_CN"):
        assert together("没有了。", "请再问一次。") == "没有了。请再问一次。"
