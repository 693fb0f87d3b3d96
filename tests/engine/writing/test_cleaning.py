"""From what language models answer to prompts."""

import pytest

from engine.prompts.dynamic_prompts import expand_dynamic_prompt
from engine.prompts.flags import without_flags
from engine.writing.cleaning import cleaned


@pytest.mark.parametrize(
    ("answer", "prompt"),
    [
        ("a red fox", "a red fox"),
        ("  a red fox\nin the snow \n", "a red fox in the snow"),
        ("<think>\nThey want a fox.\n</think>\n\na red fox", "a red fox"),
        ("They want a fox.\n</think>\na red fox", "a red fox"),
        ("<think>\nThey want a", ""),
        ("<think></think>", ""),
        ('Improved prompt: "a red fox"', "a red fox"),
        ("**Prompt:** a red fox", "a red fox"),
        ("Sure! Here's the improved prompt:\n\n“a red fox”\n\nLet me know!", "a red fox"),
        ("Here is a better version: a red fox", "a red fox"),
        ("```text\na red fox\n```\nI made it shorter.", "a red fox"),
        ("- a red fox\n- snow", "a red fox snow"),
        ("好的，以下是改进后的提示词：\n“雪中的红狐狸”", "雪中的红狐狸"),
        ('a sign that says "fox"', 'a sign that says "fox"'),
        ('"fox" on a sign, "hen" below', '"fox" on a sign, "hen" below'),
        ("Here be dragons, a sea chart", "Here be dragons, a sea chart"),
        ("a prompt book: pages and ink", "a prompt book: pages and ink"),
        ("a **bold** fox", "a bold fox"),
    ],
)
def test_only_the_prompt_is_left(answer: str, prompt: str) -> None:
    assert cleaned(answer, 500) == prompt


@pytest.mark.parametrize(
    "answer",
    [
        "a fox --ar 3:2 --seed 5",
        "a fox，——ar 3：2 —no rain",
        "a fox －－ar 3:2",
        "a {red|blue} fox {in the snow",
        "a fox <lora:fur:1.5>",
    ],
)
def test_nothing_in_it_means_more_than_words(answer: str) -> None:
    prompt = cleaned(answer, 500)
    assert "fox" in prompt
    words, flags = without_flags(prompt)
    assert (words, flags.text, dict(flags.values), flags.dimensions) == (prompt, "", {}, None)
    assert expand_dynamic_prompt(prompt) == (prompt,)
    assert "<lora" not in prompt


def test_it_is_cut_after_a_sentence_or_a_word() -> None:
    assert cleaned("A fox. " * 40, 100) == " ".join(["A fox."] * 14)
    assert cleaned("fox " * 40, 100) == " ".join(["fox"] * 25)
    assert len(cleaned("狐" * 900, 700)) == 700
