"""Measurements, cards and overflows as parts of messages, and back."""

from collections.abc import Iterable
from dataclasses import fields

from engine.cluster.protocol.messages import MAX_MEASURED, Card, Measured, Overflowed
from engine.memory.device import DeviceFacts
from engine.memory.measurement import Measurement
from engine.memory.plan import Stage
from engine.memory.precision import Overflow

FIELDS = tuple(field.name for field in fields(Measurement))


def measured(one: Measurement) -> Measured:
    """A measurement as a part of a message."""
    values = {name: getattr(one, name) for name in FIELDS}
    return Measured(**values | {"stage": one.stage.value, "seconds": float(one.seconds)})


def latest(all_of_them: Iterable[Measurement]) -> list[Measured]:
    """As many of the latest measurements as a message takes."""
    return [measured(one) for one in list(all_of_them)[-MAX_MEASURED:]]


def measurement(part: Measured) -> Measurement:
    """The measurement of a message. Raises `ValueError` for a stage that isn't one."""
    values = {name: getattr(part, name) for name in FIELDS}
    return Measurement(**values | {"stage": Stage(part.stage)})


def overflow(message: Overflowed) -> Overflow:
    """The overflow of a message. Raises `ValueError` for a stage that isn't one."""
    return Overflow(message.model, message.device, Stage(message.stage), message.dtype)


def card_of(facts: DeviceFacts) -> Card:
    """A device as a part of a message."""
    return Card(**{name: getattr(facts, name) for name in Card.model_fields})


def facts_of(card: Card) -> DeviceFacts:
    """The device of a message."""
    return DeviceFacts(**card.model_dump())
