"""Measurements, cards and overflows as parts of messages, and back."""

import logging
from collections.abc import Iterable
from dataclasses import fields

from engine.cluster.identity import Kind
from engine.cluster.protocol.messages import Overflowed
from engine.cluster.protocol.parts import MAX_MEASURED, Card, Measured, Offer
from engine.memory.device import DeviceFacts
from engine.memory.measurement import Measurement
from engine.memory.plan import Stage
from engine.memory.precision import Overflow
from engine.memory.profiles import ProfileStore

log = logging.getLogger(__name__)

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


def profiles_of(parts: Iterable[Measured], card: Card) -> ProfileStore:
    """What was measured on a card, and on others if nothing was measured there yet."""
    found: list[Measurement] = []
    for part in parts:
        try:
            found.append(measurement(part))
        except ValueError:
            log.debug("A measurement of “%s” isn't one", part.model)
    profiles = ProfileStore(found)
    if any(one.device == card.name for one in found):
        profiles.settle(card.name)
    return profiles


def first_pixels(offers: Iterable[Offer]) -> dict[str, int]:
    """Pixels of the largest picture that each model paints on the first card, as far as known."""
    return {
        offer.name: offer.most_pixels
        for offer in offers
        if offer.kind == Kind.MODEL and offer.most_pixels is not None
    }


def overflow(message: Overflowed) -> Overflow:
    """The overflow of a message. Raises `ValueError` for a stage that isn't one."""
    return Overflow(message.model, message.device, Stage(message.stage), message.dtype)


def card_of(facts: DeviceFacts) -> Card:
    """A device as a part of a message."""
    return Card(**{name: getattr(facts, name) for name in Card.model_fields})


def facts_of(card: Card) -> DeviceFacts:
    """The device of a message."""
    return DeviceFacts(**card.model_dump())
