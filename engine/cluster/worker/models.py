"""What a worker paints with: what it offers, and its own entries for what the bot names."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from engine.cluster.errors import ClusterError
from engine.cluster.identity import Kind, Resource, Resources, of_network
from engine.cluster.protocol.messages import Paint, WorkOn
from engine.cluster.protocol.parts import MAX_OFFERS, Offer
from engine.errors import AtelierError, InvalidRequest
from engine.jobs.process import ProcessKind
from engine.memory.device import DeviceFacts
from engine.memory.fallback import largest_size_that_fits
from engine.memory.profiles import ProfileStore
from engine.models.adapters import Adapter, AdapterCatalogue
from engine.models.catalogue import Catalogue
from engine.models.inspection import inspect
from engine.models.model import Model
from engine.models.networks import Network, NetworkCatalogue
from engine.models.origins import hub_of, origin_of
from engine.models.planning import plan_request_of
from engine.settings import EngineSettings
from speech import say

log = logging.getLogger(__name__)


class MeasuredCard(NamedTuple):
    """What is known of a device before it paints."""

    facts: DeviceFacts
    profiles: ProfileStore


class ReceivedLoras:
    """The LoRAs of the jobs at hand, which the bot has sent, by their names."""

    def __init__(self) -> None:
        self._files: dict[str, Path] = {}

    @property
    def catalogue(self) -> AdapterCatalogue:
        """They, for an executor."""
        return AdapterCatalogue(find_file=Path, find=self._find)

    def use(self, files: Mapping[str, Path]) -> None:
        """These are the LoRAs of those names from now on."""
        self._files.update(files)

    def _find(self, name: str) -> Adapter:
        if (file := self._files.get(name)) is None:
            raise InvalidRequest(say("There's no LoRA “{name}”.", name=name))
        return Adapter(name=name, source=str(file))


class WorkerModels:
    """The models and networks of this machine that are complete on disk."""

    def __init__(
        self,
        engine: EngineSettings,
        catalogue: Catalogue,
        networks: NetworkCatalogue,
        resources: Resources,
        loras: ReceivedLoras,
    ) -> None:
        """Take what the settings name.

        Args:
            engine: How this machine paints.
            catalogue: Its models.
            networks: What works on finished pictures.
            resources: What identifies their files.
            loras: Those that the bot has sent.
        """
        self._engine = engine
        self._catalogue = catalogue
        self._networks = networks
        self._resources = resources
        self._loras = loras
        self._hashes: Mapping[Resource, str] = {}

    def offers(self, cards: Sequence[MeasuredCard]) -> tuple[list[Offer], list[dict[str, int]]]:
        """What there is, and pixels of the largest pictures that models paint on each card.

        A model that fits on none isn't offered, and one on which nothing is known has no pixels.
        Blocks: the files of a model are read once, to know what they are.
        """
        self._hashes = self._resources.hashes_of(self._resources.names())
        offers: list[Offer] = []
        pixels: list[dict[str, int]] = [{} for _ in cards]
        for resource, digest in self._hashes.items():
            most: list[int | None] = [None]
            if resource.kind is Kind.MODEL:
                model = self._catalogue[resource.name]
                most = [self._most_pixels(model, card) for card in cards]
                if not any(each != 0 for each in most):
                    log.warning("“%s” doesn't fit on this device; it isn't offered", model.name)
                    continue
                for known, each in zip(pixels, most, strict=True):
                    if each is not None:
                        known[model.name] = each
            offers.append(
                Offer(kind=resource.kind, name=resource.name, hash=digest, most_pixels=most[0])
            )
        return offers[:MAX_OFFERS], pixels

    def _most_pixels(self, model: Model, card: MeasuredCard) -> int | None:
        """Pixels of the largest picture that some memory plan fits; `None` if it isn't known."""
        if not card.facts.has_own_memory:
            return None
        try:
            origin = origin_of(model, allow_pickle=self._engine.allow_pickle)
            request = plan_request_of(
                model,
                inspect(origin, hub_of(self._engine)),
                card.facts,
                self._engine,
                card.profiles,
                width=model.max_side,
                height=model.max_side,
                batch=1,
            )
            found = largest_size_that_fits(request)
        except AtelierError as error:
            log.warning("“%s” can't be planned: %s", model.name, error)
            return None
        return found[0] * found[1] if found else 0

    def model(self, message: Paint) -> Model:
        """This machine's entry for the model of a job. Raises `ClusterError`."""
        name = message.recipe.get("model")
        if self._hashes.get(Resource(Kind.MODEL, str(name))) != message.model:
            raise ClusterError(say("The model “{model}” isn't here.", model=name))
        return self._catalogue[str(name)]

    def known(self, name: str) -> Model | None:
        """The model of that name, if it is offered."""
        offered = Resource(Kind.MODEL, name) in self._hashes and name in self._catalogue
        return self._catalogue[name] if offered else None

    def network(self, message: WorkOn) -> Network:
        """This machine's entry for the network of a job. Raises `ClusterError`."""
        try:
            if message.kind == ProcessKind.BACKGROUND:
                network = self._networks.background
            else:
                network = self._networks.upscaler(message.network)
        except InvalidRequest as error:
            raise ClusterError(error.sentence) from error
        if self._hashes.get(of_network(network)) != message.hash:
            raise ClusterError(say("The network “{name}” isn't here.", name=network.name))
        return network

    def use_loras(self, files: Mapping[str, Path]) -> None:
        """Have these files be the LoRAs of those names."""
        self._loras.use(files)
