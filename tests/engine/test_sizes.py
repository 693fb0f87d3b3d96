"""Numbers of bytes as people write and read them."""

import pytest

from engine.sizes import InvalidSize, human_size, parse_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8GB", 8 * 10**9),
        ("7.5 GiB", int(7.5 * 2**30)),
        ("1500 mb", 1500 * 10**6),
        ("12G", 12 * 10**9),
    ],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "16", "much", "8 parsecs", "0GB", "-4GB", "GB"])
def test_what_is_no_size_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(InvalidSize, match=r"isn't a memory size\. Write it like 8GB"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (246_000_000, "246 MB"),
        (4.26e9, "4.3 GB"),
        (9_800_000_000, "9.8 GB"),
        (84e9, "84.0 GB"),
    ],
)
def test_sizes_are_told_in_words(size: float, words: str) -> None:
    assert human_size(size) == words
