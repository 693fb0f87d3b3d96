"""Reads axes as members type them, such as “3, 5, 7”, “1-9:2” or names separated by commas."""

import re
import secrets
from decimal import Decimal

from discord.app_commands import Choice

from cogs.context import Interaction
from cogs.grids.axis_kinds import AXIS_KINDS, NO_LORA, NUMBER, axis_name, axis_title
from cogs.requests.autocomplete import OptionChoices
from cogs.requests.builder import TypedRequest
from cogs.requests.choices import MAX_CHOICE_LENGTH, MAX_CHOICES
from engine import MAX_PROMPT, MAX_SEED, MAX_VALUES, Axis, Catalogue, InvalidRequest
from speech import phrase, say

RANDOM_SEED = "random"
"""The value of a seed axis that is replaced by a random seed."""

ITEM = re.compile(r"\s*(?:[\"“„](?P<quoted>[^\"“”„]*)[\"“”]|(?P<plain>[^,，]*?))\s*(?:[,，]|$)")
"""One value up to its comma. Quotes allow commas in it."""

RANGE = re.compile(
    r"(?P<low>\d{1,10}(?:\.\d{1,4})?)\s*[-–—]\s*(?P<high>\d{1,10}(?:\.\d{1,4})?)"
    r"(?:\s*:\s*(?P<step>\d{1,10}(?:\.\d{1,4})?))?"
)

SET_TWICE = phrase("“{kind}” is already on an axis, so don't set it separately as well.")


def read_axis(kind: str, text: str, models: Catalogue) -> Axis:
    """The axis that `text` describes. Its labels are the values for `apply_axis_value`.

    Raises:
        InvalidRequest: When the values are not valid; the text says why.
        UnknownModel: When a value names no model.
    """
    values: list[str] = []
    for match in ITEM.finditer(text):
        item = match["quoted"] if match["quoted"] is not None else match["plain"]
        if item := " ".join(item.split()):
            values += _parse_item(kind, item)
        if len(values) > MAX_VALUES:
            break
    if kind == "model":
        values = [models[value].name for value in values]
    values = list(dict.fromkeys(values))
    if not values:
        raise InvalidRequest(
            say(
                "The axis “{axis}” has no values. Enter some, like 3, 5, 7.",
                axis=axis_name(kind),
            )
        )
    _check_count(kind, len(values))
    return Axis(title=axis_title(kind), labels=tuple(values))


def apply_axis_value(typed: TypedRequest, kind: str, axis: Axis, index: int) -> TypedRequest:
    """The typed request with the value of the axis at `index`.

    Raises:
        InvalidRequest: When the setting was also typed beside the axis, or the value is not valid.
    """
    if kind == "words":
        return replace_words(typed, axis.labels[0], axis.labels[index])
    if AXIS_KINDS[kind].typed_value(typed) is not None:
        raise InvalidRequest(say(SET_TWICE, kind=axis_name(kind)))
    return AXIS_KINDS[kind].apply(typed, axis.labels[index])


def replace_words(typed: TypedRequest, old: str, new: str) -> TypedRequest:
    """The typed request with `old` in its prompt replaced by `new`.

    Raises:
        InvalidRequest: When `old` is not in the prompt, or the prompt becomes too long.
    """
    if old not in typed.request.prompt:
        raise InvalidRequest(
            say(
                "“{words}” isn't in the prompt. The first value on the axis must be words from "
                "the prompt, which the other values replace.",
                words=old,
            )
        )
    prompt = typed.request.prompt
    length = len(prompt) + prompt.count(old) * (len(new) - len(old))
    if length > max(MAX_PROMPT, len(prompt)):  # known before it is built
        raise InvalidRequest(
            say(
                "With “{words}” in place of “{old}”, the prompt has {length} characters; the "
                "limit is {most}.",
                words=new,
                old=old,
                length=length,
                most=MAX_PROMPT,
            )
        )
    return typed.with_prompt(prompt.replace(old, new))


def _parse_item(kind: str, item: str) -> list[str]:
    step = AXIS_KINDS[kind].step
    if step is None:
        return [item]
    if kind == "seed" and item.casefold() == RANDOM_SEED:
        return [str(secrets.randbelow(MAX_SEED + 1))]
    if bounds := RANGE.fullmatch(item):
        return _expand_range(kind, Decimal(bounds["low"]), Decimal(bounds["high"]), bounds["step"])
    if not NUMBER.fullmatch(item) or (AXIS_KINDS[kind].whole and "." in item):
        raise InvalidRequest(
            say(
                "“{item}” isn't a valid value for {axis}. Use numbers like {numbers}.",
                item=item,
                axis=axis_name(kind),
                numbers=AXIS_KINDS[kind].examples[0],
            )
        )
    return [_format_number(Decimal(item))]


def _expand_range(kind: str, low: Decimal, high: Decimal, typed_step: str | None) -> list[str]:
    """The numbers from `low` to `high`.

    Raises:
        InvalidRequest: When there are none or too many, or not all are whole where they have to be.
    """
    step = Decimal(typed_step) if typed_step else AXIS_KINDS[kind].step or Decimal(1)
    if not step or high < low:
        raise InvalidRequest(
            say(
                "“{low}-{high}” isn't a valid range. Write ranges like 1-9:2, from low to high "
                "with a step above 0.",
                low=_format_number(low),
                high=_format_number(high),
            )
        )
    if AXIS_KINDS[kind].whole and any(part % 1 for part in (low, step)):
        raise InvalidRequest(say("Use whole numbers for {axis}, like 1-9:2.", axis=axis_name(kind)))
    count = int((high - low) / step) + 1
    _check_count(kind, count)
    return [_format_number(low + step * index) for index in range(count)]


def _check_count(kind: str, count: int) -> None:
    if count > MAX_VALUES:
        raise InvalidRequest(
            say(
                "The axis “{axis}” has over {most} values. Use fewer values or a larger step.",
                axis=axis_name(kind),
                most=MAX_VALUES,
            )
        )


def _format_number(number: Decimal) -> str:
    """The number without trailing zeros or an exponent."""
    return f"{number.normalize():f}"


async def axis_choices(
    options: OptionChoices, kind: object, interaction: Interaction, current: str
) -> list[Choice[str]]:
    """Choices for the last of several values separated by commas; the others stay as typed."""
    if kind not in AXIS_KINDS or not isinstance(kind, str):
        return []
    if examples := AXIS_KINDS[kind].examples:
        matching = [each for each in examples if each.startswith(current.strip())]
        return [Choice(name=each, value=each) for each in matching]
    before, comma, typed = current.rpartition(",")
    before = f"{before.strip()}, " if comma else ""
    values = [each.value for each in await options.find(kind, interaction, typed.strip())]
    if kind == "lora" and NO_LORA.startswith(typed.strip().casefold()):
        values.append(NO_LORA)
    used = {each.strip() for each in before.split(",")}
    return [
        Choice(name=before + value, value=before + value)
        for value in values
        if len(before + value) <= MAX_CHOICE_LENGTH and value not in used
    ][:MAX_CHOICES]
