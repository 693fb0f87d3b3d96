"""What a worker is made from: its settings, and its executor's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from engine.cluster.file_hashes import FileHashes
from engine.cluster.identity import Resources
from engine.cluster.server.invitation import Invitation
from engine.cluster.settings import WorkerSettings
from engine.cluster.worker.taken_invitations import TakenInvitations
from engine.devices.device_host import DeviceHost
from engine.devices.device_process import DeviceProcess
from engine.devices.executor_setup import ExecutorSetup
from engine.errors import ModelUnavailable
from engine.hub.ip_adapter_files import IPAdapterFiles, ip_adapter_on_disk
from engine.models.adapters import AdapterCatalogue
from engine.models.catalogue import Catalogue
from engine.models.controls import ControlCatalogue
from engine.models.ip_adapters import IPAdapterCatalogue
from engine.models.networks import NetworkCatalogue
from engine.network_settings import (
    BackgroundSettings,
    ControlSettings,
    IPAdapterSettings,
    UpscalerSettings,
)
from engine.settings import EngineSettings, ModelSettings
from speech import say


@dataclass(frozen=True, kw_only=True)
class WorkerSetup:
    """What a worker is made from.

    Attributes:
        invitation: How it finds the bot.
        engine: How it paints.
        models: Its models by name, those that were added by command included.
        folder: The data folder of this machine.
        worker: When it pauses, and how much it keeps.
        embeddings: Folder of textual inversions, if there is one.
        upscalers: As in the settings.
        background: As in the settings.
        controls: As in the settings.
        ip_adapters: As in the settings.
        make_host: Makes that in which the executor runs.
    """

    invitation: Invitation
    engine: EngineSettings
    models: Mapping[str, ModelSettings]
    folder: Path
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    embeddings: Path | None = None
    upscalers: Mapping[str, UpscalerSettings] = field(default_factory=dict)
    background: BackgroundSettings | None = None
    controls: Mapping[str, ControlSettings] = field(default_factory=dict)
    ip_adapters: Mapping[str, IPAdapterSettings] = field(default_factory=dict)
    make_host: Callable[[ExecutorSetup], DeviceHost] = DeviceProcess

    @property
    def place(self) -> Path:
        """The folder of this worker."""
        return self.taken.place(self.invitation.name)

    @property
    def taken(self) -> TakenInvitations:
        """The workers of this machine."""
        return TakenInvitations(self.folder)

    @property
    def cache_bytes(self) -> int:
        """How much may be kept of what the bot sends."""
        return int(self.worker.cache_gb * 1e9)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The models."""
        families = self.ip_adapter_catalogue.families
        return Catalogue(self.models, self.engine.default_model, ip_adapters=families)

    @cached_property
    def ip_adapter_catalogue(self) -> IPAdapterCatalogue:
        """The IP-Adapters."""
        return IPAdapterCatalogue(self.ip_adapters)

    @cached_property
    def control_catalogue(self) -> ControlCatalogue:
        """The control networks."""
        return ControlCatalogue(self.controls)

    @cached_property
    def networks(self) -> NetworkCatalogue:
        """What works on finished pictures."""
        return NetworkCatalogue(self.upscalers, self.background)

    @cached_property
    def resources(self) -> Resources:
        """What identifies the files of all of this."""
        return Resources(
            self.engine,
            self.catalogue,
            FileHashes(self.place / "hashes.json"),
            controls=self.control_catalogue,
            networks=self.networks,
            ip_adapters=self.ip_adapter_catalogue,
            embeddings=self.embeddings,
        )

    def executor(self, adapters: AdapterCatalogue) -> ExecutorSetup:
        """What executors are made from; they find files on this machine's disk, or not at all."""

        def find_ip_adapter(family: str) -> IPAdapterFiles:
            one = self.ip_adapter_catalogue.of(family)
            if (found := ip_adapter_on_disk(one.source, one.image_encoder)) is None:
                raise ModelUnavailable(say("“{source}” isn't on this machine.", source=one.source))
            return found

        return ExecutorSetup(
            settings=self.engine,
            find_ip_adapter=find_ip_adapter,
            adapters=adapters,
            controls=self.control_catalogue,
            embeddings=self.embeddings,
            cache=self.place / "cache",
        )
