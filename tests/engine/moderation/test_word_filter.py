"""Words that are not wanted are found as whole words, in any disguise."""

import time

import pytest

from engine.moderation.word_filter import contains_any, find_words, normalize


@pytest.mark.parametrize(
    "text",
    [
        "blood",
        "a pool of BLOOD, at night",
        "(blood:1.3)",
        "_blood_",
        "ＢＬＯＯＤ",
        "𝓫𝓵𝓸𝓸𝓭",
        "blo\u200bod",
        "bl\u00adood",
        "bl\u034food",
        "b\ufe0flood",
        "вlооd",  # Cyrillic в and о
        "ВLООD",  # the same in capitals
        "blοοd",  # Greek omicron
        "b\u0336l\u0336o\u0336o\u0336d\u0336",
        "blood的",
        "bl\U000e0100ood",  # a variation selector of the second row
        "bl\u180bood",  # a Mongolian one
        "bl\u2800ood",  # a blank in Braille
        "bl\x7food",
        "bl\x01ood",
        "bl\u0378ood",  # not assigned
        "a\u2800blood\x7fred",
        "a\u200bblood",
        "ʙʟᴏᴏᴅ",
        "b\u064bl\u0591ood",  # an Arabic and a Hebrew mark
        "ᏏᏞᎾᎾᎠ blѻod ꓐꓡꓳꓳꓓ",  # Cherokee, and Lisu
        "bⅼօօԁ",  # a Roman number, Armenian, Komi
        "Ⓑⓛⓞⓞⓓ",
        "🄱🄻🄾🄾🄳",
    ],
)
def test_a_word_is_found_in_its_disguises(text: str) -> None:
    assert contains_any(["blood"], "a quiet lake", text)


@pytest.mark.parametrize("text", ["bloodhound", "lifeblood", "blöod", "b l o o d", "bloo d", ""])
def test_another_word_is_not_taken_for_it(text: str) -> None:
    assert not contains_any(["blood"], text)


def test_several_words_belong_together_whatever_is_between_them() -> None:
    assert contains_any(["red light"], "the RED\n  light district")
    assert contains_any(["red light"], "red_light")
    assert not contains_any(["red light"], "a red and light dress")


def test_where_no_spaces_are_written_a_word_counts_anywhere() -> None:
    assert contains_any([normalize("血液")], "一杯血液的画")
    assert not contains_any([normalize("血液")], "血")


def test_signs_in_a_word_are_only_signs() -> None:
    assert contains_any([normalize("C++ (old)")], "in c++ (old) style")
    assert not contains_any([normalize("a.c")], "abc")


def test_a_text_without_its_letters_is_not_even_searched_for_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searched: list[str] = []

    def pattern(word: str) -> str:
        searched.append(word)
        return word

    monkeypatch.setattr("engine.moderation.word_filter._pattern", pattern)
    words = [f"word{number}" for number in range(200)]
    assert not contains_any(words, *["a long prompt of a cell " * 80] * 36)
    assert contains_any(words, "my word7")
    assert searched == ["word7"]


def test_without_words_nothing_is_found() -> None:
    assert not contains_any([], "anything")


def test_a_word_compares_alike_however_it_was_written() -> None:
    assert normalize("  Straße \u200b ") == normalize("STRASSE") == "strasse"
    assert normalize("привет") == normalize("ПРИВЕТ")


@pytest.mark.parametrize(
    ("word", "pointed"), [("دم", "دَم"), ("دم", "دـم"), ("דם", "דָּם"), ("שלום", "שָׁלוֹם")]
)
def test_vowel_points_do_not_hide_a_word(word: str, pointed: str) -> None:
    assert contains_any([normalize(word)], f"x {pointed} x")


def test_words_of_other_languages_are_not_taken_for_it() -> None:
    ordinary = "Blüte Blut Straße größer кровать привет 血液 你好 سلام كتاب שלום ספר"
    assert not contains_any(["blood", "strap", "sex"], ordinary)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("pot", "рот"),  # a mouth
        ("pot", "РОТ"),
        ("cocka", "соска"),  # a dummy
        ("bop", "вор"),  # a thief
        ("pay", "рау ρου"),
        ("nun", "ուն"),  # Armenian
    ],
)
def test_a_word_of_another_alphabet_is_no_disguise(word: str, text: str) -> None:
    assert not contains_any([word], text)
    assert contains_any([normalize(text)], f"x {text} x")


@pytest.mark.parametrize("text", ["pоt", "роt", "ѕех", "SЕX", "ꓢꓰꓫ", "ρσt", "p\u043ft pοt"])
def test_a_word_that_mixes_alphabets_or_has_letters_that_nobody_writes_is_one(text: str) -> None:
    assert contains_any(["pot", "sex", "pσt"], text)


def test_a_long_text_of_lookalikes_takes_no_time() -> None:
    begun = time.perf_counter()
    find_words([f"word{number}" for number in range(400)], "аꓡx" * 700, "рот " * 500)
    assert time.perf_counter() - begun < 1, "it takes 5 ms"


def test_a_hyphen_that_nobody_sees_parts_no_words() -> None:
    assert not contains_any(["blood"], "life\u00adblood")
