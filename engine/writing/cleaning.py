"""Makes a prompt of what a language model answers, which says more than it was asked for."""

import re

THOUGHTS = re.compile(r"<(think|thinking|thought|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
END_OF_THOUGHT = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
"""Some chat templates open the thoughts themselves, so that an answer only ends them."""
UNFINISHED_THOUGHT = re.compile(
    r"<(?:think|thinking|thought|reasoning)>.*", re.DOTALL | re.IGNORECASE
)

FENCE = re.compile(r"```[a-z]*\n?(.*?)(?:```|$)", re.DOTALL)

PREAMBLE = re.compile(
    r"""
      \s*[*_#>\s]*(?:
          (?:sure|certainly|of\ course|okay|ok|absolutely|here)\b[^:：\n]{0,100}[:：]
        | (?:(?:here's|here\ is|the|an?|your|improved|shortened|revised|rewritten|enhanced|better
            |shorter|final|new)\s+){0,4}(?:prompt|description|caption|version|keywords)[*_]*\s*[:：]
        | (?:当然|好的|以下是)[^:：\n]{0,60}[:：]
        | (?:改进后的|优化后的|缩短后的|精简后的)?(?:提示词|描述|关键词)[*_]*\s*[:：]
      )[*_]*\s*
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""“Sure! Here's the improved prompt:” and the like."""

LIST_MARK = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+", re.MULTILINE)

QUOTES = (('"', '"'), ("'", "'"), ("“", "”"), ("‘", "’"), ("«", "»"), ("「", "」"), ("`", "`"))

DASHES = re.compile(r"-{2,}|－{2,}|[–—]+")
"""What may begin a flag."""

MARKUP = re.compile(r"[{}<>＜＞]|\*\*|__")
"""What would mean something in a prompt: alternatives and LoRAs; and Markdown."""


def cleaned(answer: str, most: int) -> str:
    """The prompt in an answer, in one line; empty if there is none.

    Thoughts, a preamble, quotes, Markdown and notes after the first paragraph are left out, and so
    is what would mean something other than words in a prompt: flags, alternatives, LoRAs.

    Args:
        answer: What a language model wrote.
        most: Characters that the prompt may have; it is cut after a sentence or a word.
    """
    text = THOUGHTS.sub("", answer)
    text = UNFINISHED_THOUGHT.sub("", END_OF_THOUGHT.split(text)[-1]).strip()
    if fenced := FENCE.search(text):
        text = fenced[1].strip()
    while match := PREAMBLE.match(text):
        text = text[match.end() :]
    paragraphs = [part for part in re.split(r"\n\s*\n", text) if part.strip()]
    text = LIST_MARK.sub("", paragraphs[0]) if paragraphs else ""
    text = " ".join(MARKUP.sub("", DASHES.sub("-", text)).split())
    return _shortened(_unquoted(text), most)


def _unquoted(text: str) -> str:
    """The text without quotes around all of it."""
    for opening, closing in QUOTES:
        inner = text[1:-1]
        if len(text) > 1 and text[0] == opening and text[-1] == closing and opening not in inner:
            return _unquoted(inner.strip())
    return text


def _shortened(text: str, most: int) -> str:
    """The text, cut after a sentence, or a word if that is much."""
    if len(text) <= most:
        return text
    text = text[:most]
    for marks, least in ((".。!！?？", most // 2), (",，、;；", most // 2), (" ", 1)):
        end = max(text.rfind(mark) for mark in marks)
        if end >= least:
            return text[: end + (marks[0] == ".")].rstrip()
    return text
