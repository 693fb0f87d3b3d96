"""Settings that count at once: they are handed to those who work by them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from engine.jobs.retention import GIGABYTE, Retention
from engine.models.licences import Safeguards
from engine.models.networks import NetworkCatalogue
from engine.models.probe import ModelProbe
from engine.network_settings import BackgroundSettings, UpscalerSettings
from engine.safety.checker import SafetyChecker
from engine.safety.classifier import Classifier
from engine.services import FileServices, JobServices, ModelServices
from engine.settings import (
    AdapterSettings,
    EngineSettings,
    ModelSettings,
    SafetySettings,
    Section,
    StorageSettings,
)
from engine.store import JobTable
from engine.training.settings import TrainingSettings

S = TypeVar("S", bound=Section)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveValues:
    """What a running studio takes of the settings; see the sections for what each means.

    Of `engine`, those are the default model, the one for drafts, the patience and the grace.
    """

    storage: StorageSettings
    safety: SafetySettings
    engine: EngineSettings
    queue_size: int
    models: Mapping[str, ModelSettings]
    adapters: Mapping[str, AdapterSettings]
    upscalers: Mapping[str, UpscalerSettings]
    background: BackgroundSettings
    training: TrainingSettings


class LiveSettings:
    """Takes new values while the studio is open. One that is as before changes nothing."""

    def __init__(
        self,
        values: LiveValues,
        *,
        models: ModelServices,
        jobs: JobServices,
        files: FileServices,
        table: JobTable,
        networks: NetworkCatalogue,
        probe: ModelProbe,
        retention: Retention,
        checker: SafetyChecker,
        make_classifier: Callable[[SafetySettings], Classifier],
    ) -> None:
        """Prepare to hand over values.

        Args:
            values: Those that count now.
            models: What there is to paint with.
            jobs: Takes in jobs, and hands them out.
            files: The picture files.
            table: The stored jobs, which may need a model or a LoRA.
            networks: What works on finished pictures.
            probe: Warns of licences.
            retention: Removes old jobs.
            checker: Checks pictures.
            make_classifier: Makes what looks at them.
        """
        self._values = values
        self._models = models
        self._jobs = jobs
        self._files = files
        self._table = table
        self._networks = networks
        self._probe = probe
        self._retention = retention
        self._checker = checker
        self._make_classifier = make_classifier

    async def take(self, new: LiveValues) -> tuple[str, ...]:
        """Have the new values count.

        Returns:
            The models and LoRAs that stay as they are, since jobs need them: `models.NAME`.

        Raises:
            AtelierError: The models don't go together; then nothing has changed.
        """
        old = self._values
        async with self._jobs.submission.lock:
            models, used = await _settled("models", old.models, new.models, self._table.count_open)
            adapters, used_adapters = await _settled(
                "adapters", old.adapters, new.adapters, self._table.count_open_with
            )
            catalogue, engine = self._models.catalogue, new.engine
            replaced = [name for name in _changed(old.models, models) if name in catalogue]
            catalogue.configure(models, engine.default_model, engine.draft_model)
            self._models.adapters.catalogue.configure(adapters)
            for name in replaced:
                self._jobs.dispatcher.forget(name)
        self._values = replace(new, models=models, adapters=adapters)
        self._take_the_rest(new)
        if new.safety != old.safety:
            await self._checker.replace(new.safety, self._make_classifier(new.safety))
        return (*used, *used_adapters)

    def _take_the_rest(self, new: LiveValues) -> None:
        """Everything that can't be refused, and takes no time."""
        self._networks.configure(new.upscalers, new.background)
        self._jobs.submission.queue_size = new.queue_size
        self._jobs.dispatcher.use(new.engine)
        self._models.trainings.use(new.training, new.engine.grace)
        self._retention.settings = new.storage
        self._files.upload_limits.max_bytes = new.storage.uploads_gb * GIGABYTE
        self._files.pictures.metadata = new.storage.metadata
        safeguards = Safeguards(new.safety.classifier is not None, new.storage.metadata)
        self._probe.safeguards = self._models.adapters.safeguards = safeguards


async def _settled(
    section: str,
    old: Mapping[str, S],
    new: Mapping[str, S],
    count_open: Callable[[str], Awaitable[int]],
) -> tuple[dict[str, S], tuple[str, ...]]:
    """The new entries, but the old ones of those that jobs need; and which these are."""
    changed = [name for name in _changed(old, new) if name in old]
    used = [name for name in changed if await count_open(name)]
    return {**new, **{name: old[name] for name in used}}, tuple(
        f"{section}.{name}" for name in used
    )


def _changed(old: Mapping[str, S], new: Mapping[str, S]) -> list[str]:
    return [name for name in {**old, **new} if old.get(name) != new.get(name)]
