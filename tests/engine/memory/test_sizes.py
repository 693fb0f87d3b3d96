"""Amounts of memory as people write them."""

import pytest

from engine.memory.sizes import InvalidSize, in_words, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8GB", 8 * 10**9),
        ("7.5 GiB", int(7.5 * 2**30)),
        ("1500 mb", 1500 * 10**6),
        ("12G", 12 * 10**9),
        ("4096", 4096),
    ],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "8 parsecs", "0GB", "-4GB", "GB"])
def test_what_is_no_size_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(InvalidSize, match=r"isn't a memory size\. Write it like 8GB"):
        parse_size(text)


def test_sizes_are_told() -> None:
    assert in_words(9_800_000_000) == "9.8 GB"
    assert in_words(246_000_000) == "246 MB"
