"""What an executor is made from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from engine.devices.blame import BlameFile
from engine.errors import ModelUnavailable
from engine.hub import LocalFiles, Origin, local_files
from engine.hub.classifier_files import classifier_on_disk
from engine.hub.control_files import control_on_disk
from engine.hub.ip_adapter_files import IPAdapterFiles
from engine.hub.upscaler_files import upscaler_on_disk
from engine.jobs.process import ProcessKind
from engine.memory.profiles import ProfileStore
from engine.models.adapters import AdapterCatalogue
from engine.models.controls import ControlCatalogue, ControlNetwork
from engine.models.ip_adapters import IPAdapterCatalogue
from engine.models.networks import Network
from engine.settings import EngineSettings
from speech import say

FindFiles = Callable[[str, Origin], LocalFiles]
"""From a model's name and origin to its files on disk; may block, and raise `ModelUnavailable`."""

FindNetwork = Callable[[Network | ControlNetwork], Path]
"""From a network to its file or folder on disk; may block, and raise `ModelUnavailable`."""

FindIPAdapter = Callable[[str], IPAdapterFiles]
"""From a family to the files of its IP-Adapter; may block, and raise `ModelUnavailable`."""


def files_on_disk(name: str, origin: Origin) -> LocalFiles:
    """Find a model's files without downloading any. Raises `ModelUnavailable`."""
    return local_files(origin)


def network_on_disk(network: Network | ControlNetwork) -> Path:
    """Find a network's file or folder without downloading it. Raises `ModelUnavailable`."""
    if isinstance(network, ControlNetwork):
        found = control_on_disk(network.source)
    elif network.kind is ProcessKind.BACKGROUND:
        found = classifier_on_disk(network.source)
    else:
        found = upscaler_on_disk(network.source, allow_pickle=True)
    if found is None:
        raise ModelUnavailable(say("“{source}” isn't on this machine.", source=network.source))
    return found


def no_ip_adapter(family: str) -> IPAdapterFiles:
    """Find nothing: raises `ModelUnavailable`."""
    IPAdapterCatalogue().of(family)
    raise AssertionError("an empty catalogue has none")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorSetup:
    """What every executor is given: the first one, and those after one that crashed.

    Attributes:
        settings: How to paint.
        find_files: Finds a model's files.
        find_network: Finds the file or folder of a network that controls what is painted, or
            works on finished pictures.
        find_ip_adapter: Finds the files of a family's IP-Adapter.
        profiles: What was measured; it outlives an executor.
        adapters: The LoRAs.
        controls: The control networks.
        embeddings: Folder of textual inversions, if there is one.
        blame: Where the jobs that the device is busy with are recorded.
        cache: Folder for what is found out about painting fast, and what is compiled; nothing is
            tried without one.
    """

    settings: EngineSettings
    find_files: FindFiles = files_on_disk
    find_network: FindNetwork = network_on_disk
    find_ip_adapter: FindIPAdapter = no_ip_adapter
    profiles: ProfileStore = field(default_factory=ProfileStore)
    adapters: AdapterCatalogue = field(default_factory=AdapterCatalogue)
    controls: ControlCatalogue = field(default_factory=ControlCatalogue)
    embeddings: Path | None = None
    blame: BlameFile = field(default_factory=BlameFile)
    cache: Path | None = None
