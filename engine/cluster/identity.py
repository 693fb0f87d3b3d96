"""What identifies the files of a model or a network: equal hashes mean equal files.

The name says nothing: “sdxl” on one machine may be another checkpoint than on the other, and the
pictures would differ without a word.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from engine.cluster.file_hashes import FileHashes
from engine.devices.executor_setup import network_on_disk
from engine.errors import AtelierError
from engine.hub.ip_adapter_files import ip_adapter_on_disk
from engine.hub.local_files import files_of
from engine.hub.pipeline_layout import CARD
from engine.hub.presence import Presence, disk_usage, sources_of
from engine.hub.sources import SourceKind
from engine.jobs.job import Job
from engine.jobs.process import ProcessKind
from engine.jobs.recipe import Recipe
from engine.models.catalogue import Catalogue
from engine.models.controls import ControlCatalogue, ControlNetwork
from engine.models.embeddings import embedding_files, words_in
from engine.models.ip_adapters import IPAdapterCatalogue
from engine.models.model import Model
from engine.models.networks import Network, NetworkCatalogue
from engine.models.origins import origin_of
from engine.settings import EngineSettings

log = logging.getLogger(__name__)

MOST_REMEMBERED = 2000
"""Jobs of which is remembered what they need."""


class Kind(StrEnum):
    """Something that pictures depend on and that machines have on their own."""

    MODEL = "model"
    CONTROL = "control"
    UPSCALER = "upscaler"
    BACKGROUND = "background"
    IP_ADAPTER = "ip-adapter"
    EMBEDDING = "embedding"
    """A word that stands for vectors in a file."""


class Resource(NamedTuple):
    """One of these, by its name in the settings; of an IP-Adapter the family."""

    kind: Kind
    name: str


BACKGROUND = Resource(Kind.BACKGROUND, "")
"""There is one, whose name is its place on a machine."""


def of_network(network: Network) -> Resource:
    """What a network that works on finished pictures is here."""
    if network.kind is ProcessKind.BACKGROUND:
        return BACKGROUND
    return Resource(Kind.UPSCALER, network.name)


class Resources:
    """What this machine has. Its methods block: they may read all of the files once.

    Attributes:
        catalogue: The models.
    """

    def __init__(
        self,
        engine: EngineSettings,
        catalogue: Catalogue,
        hashes: FileHashes,
        *,
        controls: ControlCatalogue | None = None,
        networks: NetworkCatalogue | None = None,
        ip_adapters: IPAdapterCatalogue | None = None,
        embeddings: Path | None = None,
    ) -> None:
        self._pickles = engine.allow_pickle
        self.catalogue = catalogue
        self._hashes = hashes
        self._controls = controls or ControlCatalogue()
        self._networks = networks or NetworkCatalogue()
        self._ip_adapters = ip_adapters or IPAdapterCatalogue()
        self._embeddings = embeddings
        self._needed: dict[tuple[int, str, str], Sequence[Resource]] = {}

    def names(self) -> Iterator[Resource]:
        """Everything that the settings name, whether it is on disk or not."""
        yield from (Resource(Kind.MODEL, model.name) for model in self.catalogue)
        yield from (Resource(Kind.CONTROL, network.name) for network in self._controls)
        yield from (Resource(Kind.UPSCALER, name) for name in self._networks.upscalers)
        if self._networks.removes_backgrounds:
            yield BACKGROUND
        yield from (Resource(Kind.IP_ADAPTER, name) for name in self._ip_adapters.families)
        yield from (Resource(Kind.EMBEDDING, name) for name in embedding_files(self._embeddings))

    def hashes_of(self, resources: Iterable[Resource]) -> Mapping[Resource, str]:
        """What identifies each of these, as far as they are complete on disk."""
        found = ((resource, self.hash_of(resource)) for resource in resources)
        return {resource: digest for resource, digest in found if digest is not None}

    def hash_of(self, resource: Resource) -> str | None:
        """What identifies it; `None` if it isn't here, or not all of it."""
        try:
            match resource.kind:
                case Kind.MODEL:
                    return self._of_model(self.catalogue[resource.name])
                case Kind.CONTROL:
                    return self._of_network(self._controls[resource.name])
                case Kind.UPSCALER:
                    return self._of_network(self._networks.upscaler(resource.name))
                case Kind.BACKGROUND:
                    return self._of_network(self._networks.background)
                case Kind.IP_ADAPTER:
                    return self._of_ip_adapter(resource.name)
                case Kind.EMBEDDING:
                    return self._hashes.of(embedding_files(self._embeddings)[resource.name])
        except (AtelierError, OSError, KeyError) as error:
            log.debug("%s “%s” isn't here: %s", resource.kind, resource.name, error)
            return None

    def words_in(self, text: str) -> list[str]:
        """The words of textual inversions that occur in a text."""
        return list(words_in(text, embedding_files(self._embeddings)))

    def needed_by(self, job: Job) -> Sequence[Resource]:
        """What a job is painted with; it's found out once, however many workers there are.

        Raises:
            InvalidRequest: When the network that it needs is no longer in the settings.
        """
        key = job.id, job.recipe.prompt, job.recipe.negative_prompt
        if (needed := self._needed.get(key)) is None:
            if len(self._needed) > MOST_REMEMBERED:
                self._needed.clear()
            needed = self._needed[key] = self._find_needed(job.recipe)
        return needed

    def _find_needed(self, recipe: Recipe) -> Sequence[Resource]:
        if (process := recipe.process) is not None and not process.paints:
            return [of_network(self._networks.of(process))]
        needed = [Resource(Kind.MODEL, recipe.model)]
        if recipe.control is not None and process is None:
            needed.append(Resource(Kind.CONTROL, recipe.control.network))
        if recipe.reference_uses:
            family = self.catalogue[recipe.model].family or ""
            needed.append(Resource(Kind.IP_ADAPTER, family))
        words = self.words_in(f"{recipe.prompt} {recipe.negative_prompt}")
        return [*needed, *(Resource(Kind.EMBEDDING, word) for word in words)]

    def _of_model(self, model: Model) -> str | None:
        origin = origin_of(model, allow_pickle=self._pickles)
        if disk_usage(origin).presence is not Presence.COMPLETE:
            return None
        parts: dict[str, str] = {}
        for number, source in enumerate(sources_of(origin)):
            for name, file in files_of(source, own_denoiser=origin.denoiser is None).items():
                if name != CARD:
                    inner = name if source.kind is SourceKind.PIPELINE else ""
                    parts[f"{number}/{inner}"] = self._hashes.of(file)
        options = dict(model.scheduler_options)
        return _digest([model.family, model.dtype, options, parts])

    def _of_network(self, network: Network | ControlNetwork) -> str:
        labels = network.labels if isinstance(network, Network) else ()
        return _digest([*labels, self._of_place(network_on_disk(network))])

    def _of_ip_adapter(self, family: str) -> str | None:
        settings = self._ip_adapters.of(family)
        files = ip_adapter_on_disk(settings.source, settings.image_encoder)
        if files is None:
            return None
        return _digest([self._of_place(files.adapter), self._of_place(files.image_encoder)])

    def _of_place(self, place: Path) -> dict[str, str]:
        """The hashes of a file, or of the configuration and the weights in a folder."""
        if place.is_file():
            return {"": self._hashes.of(place)}
        files = (file for ending in ("json", "safetensors") for file in place.glob(f"*.{ending}"))
        return {file.name: self._hashes.of(file) for file in files}


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
