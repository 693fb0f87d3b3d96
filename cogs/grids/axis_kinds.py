"""What can change along an axis of a grid."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from cogs.requests.builder import TypedRequest
from engine import InvalidRequest
from speech import phrase, say

NO_LORA = "none"
"""The value of a LoRA axis for the picture without one."""

NUMBER = re.compile(r"-?(\d{1,10})(\.\d{1,4})?")

ApplyValue = Callable[[TypedRequest, str], TypedRequest]


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisKind:
    """A setting that can change along an axis.

    Attributes:
        apply: Sets it to a value of the axis.
        typed_value: Its value in the command's own option, which must not be used as well.
        step: The default step of a range; `None` if its values aren't numbers.
        whole: Whether only whole numbers are allowed.
        examples: Values to suggest, for kinds that have no list of choices.
    """

    apply: ApplyValue
    typed_value: Callable[[TypedRequest], object] = lambda typed: None
    step: Decimal | None = None
    whole: bool = False
    examples: tuple[str, ...] = ()


def _set_field(name: str, convert: Callable[[str], object]) -> ApplyValue:
    def apply(typed: TypedRequest, value: str) -> TypedRequest:
        values: dict[str, object] = {name: convert(value)}
        return replace(typed, request=replace(typed.request, **values))  # type: ignore[arg-type]

    return apply


def _request_field(name: str) -> Callable[[TypedRequest], object]:
    return lambda typed: getattr(typed.request, name)


def _with_size(typed: TypedRequest, value: str) -> TypedRequest:
    return replace(typed, size=value)


def _with_style(typed: TypedRequest, value: str) -> TypedRequest:
    return replace(typed, style=value)


def _with_lora(typed: TypedRequest, value: str) -> TypedRequest:
    """A number becomes the weight of the typed LoRA; a name is added to the typed ones."""
    if value.casefold() == NO_LORA:
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
        apply=_set_field("seed", int),
        typed_value=_request_field("seed"),
        step=Decimal(1),
        whole=True,
        examples=("1-4", "1-6", "random, random, random"),
    ),
    "guidance": AxisKind(
        apply=_set_field("guidance_scale", float),
        typed_value=_request_field("guidance_scale"),
        step=Decimal(1),
        examples=("3, 5, 7, 9", "1-9:2", "2-5:0.5"),
    ),
    "steps": AxisKind(
        apply=_set_field("num_inference_steps", int),
        typed_value=_request_field("num_inference_steps"),
        step=Decimal(1),
        whole=True,
        examples=("10, 20, 30, 40", "5-25:5"),
    ),
    "strength": AxisKind(
        apply=_set_field("strength", float),
        typed_value=_request_field("strength"),
        step=Decimal("0.1"),
        examples=("0.3, 0.5, 0.7", "0.2-0.8:0.2"),
    ),
    "chaos": AxisKind(
        apply=_set_field("chaos", int),
        step=Decimal(10),
        whole=True,
        examples=("0, 25, 50, 75", "0-100:20"),
    ),
    "model": AxisKind(apply=_set_field("model", str), typed_value=_request_field("model")),
    "scheduler": AxisKind(
        apply=_set_field("scheduler", str), typed_value=_request_field("scheduler")
    ),
    "size": AxisKind(apply=_with_size, typed_value=lambda typed: typed.size),
    "style": AxisKind(apply=_with_style, typed_value=lambda typed: typed.style),
    "lora": AxisKind(apply=_with_lora),
    "words": AxisKind(apply=lambda typed, value: typed, examples=("red, blue, green",)),
}
"""The kinds by name. For words, `replace_words` replaces the first value by the others."""

AXIS_TITLES = {
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
"""The English titles of axes; grids are stored with them."""


def axis_title(kind: str) -> str:
    """The title of an axis of that kind, in English."""
    return AXIS_TITLES[kind]


def translated_title(title: str) -> str:
    """The title of an axis in the current language."""
    return say(title)


def axis_name(kind: str) -> str:
    """The title of an axis of that kind, in the current language."""
    return say(AXIS_TITLES[kind])
