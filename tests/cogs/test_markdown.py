"""What people typed is shown as they typed it: checked against a small reading of Markdown."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from cogs.markdown import escaped, escaped_line, fenced, plain, shortened_markdown, spoiler

NASTY = st.lists(
    st.sampled_from(
        [
            *("[", "](", ")", "https://a.b", "**", "__", "~~", "||", "`", "```", "\\", "\n", " "),
            *("# ", "-# ", "> ", ">>> ", "- ", "* ", "1. ", "<@1>", "<#1>", "<@&1>", "@everyone"),
            *("<t:1:R>", "<:a:1>", "</a:1>", "<id:guide>", ":a:", "a", "\f", "\r", "\u202e"),
        ]
    )
    | st.text(max_size=3)
).map("".join)

LONG = settings(max_examples=300, deadline=None)


def unescaped(text: str) -> str:
    """Without escapes: what is left may mean something."""
    return re.sub(r"\\[^0-9A-Za-z\s]", "", text)


@LONG
@given(NASTY)
def test_nothing_in_a_text_means_anything(text: str) -> None:
    shown = escaped(text)
    for piece in re.split(r"\\[^0-9A-Za-z\s]", shown):
        assert not re.search(r"[*_~|`<>\[\]\\#]|https?://|@everyone|@here", piece, re.IGNORECASE)
    assert not re.search(r"(?m)^ *(?:[-+]|\d+\.) ", shown)
    assert re.sub(r"\\([^0-9A-Za-z\s])", r"\1", shown) == plain(text)
    assert len(shown) <= 2 * len(text)


@LONG
@given(NASTY)
def test_a_line_is_one_line_and_a_spoiler_ends_at_its_end(text: str) -> None:
    assert "\n" not in escaped_line(text)
    assert "||" not in spoiler(text)[2:-2] + "\u200b"
    assert not re.search(r"\|\|", spoiler(text)[2:-1])


@LONG
@given(NASTY)
def test_a_block_of_code_ends_at_its_end(text: str) -> None:
    assert "```" not in fenced(text).removeprefix("```").removesuffix("```")


@LONG
@given(NASTY, st.integers(min_value=8, max_value=60))
def test_a_cut_leaves_no_half_of_an_escape_and_nothing_hidden_open(text: str, limit: int) -> None:
    cut = shortened_markdown(f"{spoiler(text)} {escaped(text)}", limit)
    assert len(cut) <= limit
    assert not re.search(r"(?<!\\)(?:\\\\)*\\(?:…|$)", cut)
    assert unescaped(cut).count("||") in (0, 2)


def test_every_link_of_several_is_dead() -> None:
    assert escaped("[a](b) [Free](https://c.d)") == r"\[a\](b) \[Free\](https\://c.d)"
