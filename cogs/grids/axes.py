"""Axes as people type them: “3, 5, 7”, “1-9:2”, or names with commas between them."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from cogs.requests.builder import TypedRequest
from engine import MAX_SEED, MAX_VALUES, Axis, Catalogue, InvalidRequest
from speech import phrase, say

RANDOM = "random"
"""As a seed, one that nobody knows yet."""

NONE = "none"
"""As a LoRA, the picture without one."""

ITEM = re.compile(r"\s*(?:[\"“„](?P<quoted>[^\"“”„]*)[\"“”]|(?P<plain>[^,，]*?))\s*(?:[,，]|$)")
"""One value up to its comma; one in quotes may have commas in it."""

NUMBER = re.compile(r"-?(\d{1,10})(\.\d{1,4})?")
RANGE = re.compile(
    r"(?P<low>\d{1,10}(?:\.\d{1,4})?)\s*[-–—]\s*(?P<high>\d{1,10}(?:\.\d{1,4})?)"
    r"(?:\s*:\s*(?P<step>\d{1,10}(?:\.\d{1,4})?))?"
)

Change = Callable[[TypedRequest, str], TypedRequest]


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisKind:
    """Something that can change along an axis.

    Attributes:
        change: What was typed, with a value of the axis in it.
        given: What was typed of it beside the axis; nothing may be, since that is one value.
        step: Of a range that names none; `None` where values are no numbers.
        whole: Whether its numbers have no fractions.
        examples: What may be typed, where nothing better is known.
    """

    change: Change
    given: Callable[[TypedRequest], object] = lambda typed: None
    step: Decimal | None = None
    whole: bool = False
    examples: tuple[str, ...] = ()


def _field(name: str, read: Callable[[str], object]) -> Change:
    def change(typed: TypedRequest, value: str) -> TypedRequest:
        values: dict[str, object] = {name: read(value)}
        return replace(typed, request=replace(typed.request, **values))  # type: ignore[arg-type]

    return change


def _given(name: str) -> Callable[[TypedRequest], object]:
    return lambda typed: getattr(typed.request, name)


def _with_size(typed: TypedRequest, value: str) -> TypedRequest:
    return replace(typed, size=value)


def _with_style(typed: TypedRequest, value: str) -> TypedRequest:
    return replace(typed, style=value)


def _with_lora(typed: TypedRequest, value: str) -> TypedRequest:
    """A number is the weight of the LoRA that was typed; a name comes to those that were."""
    if value.casefold() == NONE:
        return typed
    if not NUMBER.fullmatch(value):
        return replace(typed, lora=f"{typed.lora}, {value}" if typed.lora else value)
    name = (typed.lora or "").partition(":")[0].strip()
    if not name or "," in (typed.lora or ""):
        raise InvalidRequest(
            say(
                "{value} is a weight, but for which LoRA? Name one in `lora`, or put names on "
                "the axis, like fox:0.5, fox:1, none.",
                value=value,
            )
        )
    return replace(typed, lora=f"{name}:{value}")


AXIS_KINDS: dict[str, AxisKind] = {
    "seed": AxisKind(
        change=_field("seed", int),
        given=_given("seed"),
        step=Decimal(1),
        whole=True,
        examples=("1-4", "1-6", "random, random, random"),
    ),
    "guidance": AxisKind(
        change=_field("guidance_scale", float),
        given=_given("guidance_scale"),
        step=Decimal(1),
        examples=("3, 5, 7, 9", "1-9:2", "2-5:0.5"),
    ),
    "steps": AxisKind(
        change=_field("num_inference_steps", int),
        given=_given("num_inference_steps"),
        step=Decimal(1),
        whole=True,
        examples=("10, 20, 30, 40", "5-25:5"),
    ),
    "strength": AxisKind(
        change=_field("strength", float),
        given=_given("strength"),
        step=Decimal("0.1"),
        examples=("0.3, 0.5, 0.7", "0.2-0.8:0.2"),
    ),
    "chaos": AxisKind(
        change=_field("chaos", int),
        step=Decimal(10),
        whole=True,
        examples=("0, 25, 50, 75", "0-100:20"),
    ),
    "model": AxisKind(change=_field("model", str), given=_given("model")),
    "scheduler": AxisKind(change=_field("scheduler", str), given=_given("scheduler")),
    "size": AxisKind(change=_with_size, given=lambda typed: typed.size),
    "style": AxisKind(change=_with_style, given=lambda typed: typed.style),
    "lora": AxisKind(change=_with_lora),
    "words": AxisKind(change=lambda typed, value: typed, examples=("red, blue, green",)),
}
"""What can change, by its name. Of words the first is replaced by the others, `replaced`."""

TITLES = {
    "seed": phrase("seed"),
    "guidance": phrase("guidance"),
    "steps": phrase("steps"),
    "strength": phrase("strength"),
    "chaos": phrase("chaos"),
    "model": phrase("model"),
    "scheduler": phrase("scheduler"),
    "size": phrase("size"),
    "style": phrase("style"),
    "lora": phrase("LoRA"),
    "words": phrase("words"),
}
"""What each is called: so it is drawn, and said where it is told."""

TWICE = phrase("“{kind}” is already on an axis, so don't set it separately as well.")


def title(kind: str) -> str:
    """What is drawn above an axis of that kind; `called` says it."""
    return TITLES[kind]


def called(title: str) -> str:
    """What the axis of that title is called in the language spoken now."""
    return say(title)


def read_axis(kind: str, text: str, models: Catalogue) -> Axis:
    """The axis that `text` describes; its labels are the values, as `changed` takes them.

    Raises:
        InvalidRequest: When it cannot be one; the sentence says why.
        UnknownModel: When there is no model of a name.
    """
    values: list[str] = []
    for match in ITEM.finditer(text):
        item = match["quoted"] if match["quoted"] is not None else match["plain"]
        if item := " ".join(item.split()):
            values += _values(kind, item)
        if len(values) > MAX_VALUES:
            break
    if kind == "model":
        values = [models[value].name for value in values]
    values = list(dict.fromkeys(values))
    if not values:
        raise InvalidRequest(
            say(
                "The axis “{axis}” has no values. Enter some, like 3, 5, 7.",
                axis=called(title(kind)),
            )
        )
    _check_number(kind, len(values))
    return Axis(title=TITLES[kind], labels=tuple(values))


def changed(typed: TypedRequest, kind: str, axis: Axis, place: int) -> TypedRequest:
    """What was typed, as it is at a place of the axis.

    Raises:
        InvalidRequest: When that makes no sense.
    """
    if kind == "words":
        return replaced(typed, axis.labels[0], axis.labels[place])
    if AXIS_KINDS[kind].given(typed) is not None:
        raise InvalidRequest(say(TWICE, kind=called(title(kind))))
    return AXIS_KINDS[kind].change(typed, axis.labels[place])


def replaced(typed: TypedRequest, old: str, new: str) -> TypedRequest:
    """What was typed with other words in its prompt.

    Raises:
        InvalidRequest: When the old ones are not in it.
    """
    if old not in typed.request.prompt:
        raise InvalidRequest(
            say(
                "“{words}” isn't in the prompt. The first value on the axis must be words from "
                "the prompt, which the other values replace.",
                words=old,
            )
        )
    prompt = typed.request.prompt.replace(old, new)
    return replace(typed, request=replace(typed.request, prompt=prompt))


def _values(kind: str, item: str) -> list[str]:
    step = AXIS_KINDS[kind].step
    if step is None:
        return [item]
    if kind == "seed" and item.casefold() == RANDOM:
        return [str(secrets.randbelow(MAX_SEED + 1))]
    if span := RANGE.fullmatch(item):
        return _span(kind, Decimal(span["low"]), Decimal(span["high"]), span["step"])
    if not NUMBER.fullmatch(item) or (AXIS_KINDS[kind].whole and "." in item):
        raise InvalidRequest(
            say(
                "“{item}” isn't a valid value for {axis}. Use numbers like {numbers}.",
                item=item,
                axis=called(title(kind)),
                numbers=AXIS_KINDS[kind].examples[0],
            )
        )
    return [_plain(Decimal(item))]


def _span(kind: str, low: Decimal, high: Decimal, typed_step: str | None) -> list[str]:
    """The numbers from `low` to `high`.

    Raises:
        InvalidRequest: When there are none, or too many.
    """
    step = Decimal(typed_step) if typed_step else AXIS_KINDS[kind].step or Decimal(1)
    if not step or high < low:
        raise InvalidRequest(
            say(
                "“{low}-{high}” isn't a valid range. Write ranges like 1-9:2, from low to high "
                "with a step above 0.",
                low=_plain(low),
                high=_plain(high),
            )
        )
    if AXIS_KINDS[kind].whole and any(part % 1 for part in (low, step)):
        raise InvalidRequest(
            say("Use whole numbers for {axis}, like 1-9:2.", axis=called(title(kind)))
        )
    count = int((high - low) / step) + 1
    _check_number(kind, count)
    return [_plain(low + step * place) for place in range(count)]


def _check_number(kind: str, count: int) -> None:
    if count > MAX_VALUES:
        raise InvalidRequest(
            say(
                "The axis “{axis}” has over {most} values. Use fewer values or a larger step.",
                axis=called(title(kind)),
                most=MAX_VALUES,
            )
        )


def _plain(number: Decimal) -> str:
    """The number without needless zeros or an exponent."""
    return f"{number.normalize():f}"
