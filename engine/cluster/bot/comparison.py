"""What a worker offers beside what the bot has: what is usable, what differs, what it lacks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from engine.cluster.identity import Kind, Resource, Resources
from engine.cluster.protocol.messages import Hello
from engine.cluster.protocol.parts import MAX_LACKING, LackingModel
from engine.errors import ModelUnavailable
from engine.models.model import Model
from engine.models.origins import origin_of
from engine.settings import BUILT_IN_MODEL
from speech import say


class Comparison(NamedTuple):
    """What came of comparing.

    Attributes:
        usable: What the worker has, with the same hashes as here.
        notes: What isn't used of what it has, and why.
        lacking: The bot's models that it lacks.
    """

    usable: dict[Resource, str]
    notes: Sequence[str]
    lacking: Sequence[LackingModel]


def compare(
    worker: str, hello: Hello, resources: Resources, others: Sequence[Mapping[Resource, str]]
) -> Comparison:
    """Compare what a worker offers with what this machine has. Blocks.

    What this machine knows by name and hasn't downloaded is whatever the first worker has.

    Args:
        worker: Its name.
        hello: What it says of itself.
        resources: What this machine has.
        others: What is usable of other workers.
    """
    offers = {
        Resource(Kind(offer.kind), offer.name): offer.hash
        for offer in hello.offers
        if offer.kind in list(Kind)
    }
    own = dict(resources.hashes_of(offers))
    for resource in set(resources.names()) & (offers.keys() - own.keys()):
        theirs = (usable.get(resource) for usable in others)
        own[resource] = next(filter(None, theirs), offers[resource])
    usable = {resource: digest for resource, digest in own.items() if offers[resource] == digest}
    lacking = [
        _lacking(model)
        for model in resources.catalogue
        if model.name != BUILT_IN_MODEL and Resource(Kind.MODEL, model.name) not in offers
    ]
    return Comparison(usable, list(_notes(worker, offers, own)), lacking[:MAX_LACKING])


def _notes(
    worker: str, offers: Mapping[Resource, str], own: Mapping[Resource, str]
) -> Iterator[str]:
    for resource, digest in offers.items():
        if (here := own.get(resource)) is not None and here != digest:
            yield say(
                "“{name}” isn't used on “{worker}”: its files there differ from those on the "
                "bot's machine.",
                name=resource.name or resource.kind,
                worker=worker,
            )
        elif here is None and resource.kind is Kind.MODEL:
            yield say(
                "“{name}” isn't used on “{worker}”: the bot has no model of that name.",
                name=resource.name,
                worker=worker,
            )


def _lacking(model: Model) -> LackingModel:
    """A model, as the worker may get it; paths of this machine aren't told."""
    try:
        if not all(source.is_remote for source in origin_of(model, allow_pickle=True)):
            return LackingModel(name=model.name)
    except ModelUnavailable:
        return LackingModel(name=model.name)
    return LackingModel(
        name=model.name,
        source=model.source,
        revision=model.revision,
        variant=model.variant,
        denoiser=model.denoiser,
    )
