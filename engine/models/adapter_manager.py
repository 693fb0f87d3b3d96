"""The LoRA manager: adds and removes LoRAs while the program runs, and tells about them."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import InvalidModel, ModelUnavailable
from engine.hub import DownloadProgress, HubClient, Origin
from engine.hub.civitai_disk import civitai_facts
from engine.hub.lora_files import lora_on_disk, lora_source
from engine.models.adapters import Adapter, AdapterCatalogue
from engine.models.download_manager import DownloadManager
from engine.models.licences import Safeguards, known_terms, licence_text, licence_warnings
from engine.models.lora_inspection import LoraInspection, inspect_lora
from engine.models.names import free_name
from engine.settings import AdapterSettings, StoredAdapter
from engine.store import AdapterTable, JobTable
from speech import say, say_many

OnProgress = Callable[[DownloadProgress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterCandidate:
    """A LoRA that could be added; nothing of it has been downloaded but its header.

    Attributes:
        name: What it would be called; not taken.
        settings: What would be stored of it.
        inspection: What is known of it.
        same_as: Name of a LoRA that is made from the same, if there is one.
        licence_warnings: Sentences about what its licence asks for and isn't done here.
    """

    name: str
    settings: AdapterSettings
    inspection: LoraInspection
    same_as: str | None = None
    licence_warnings: tuple[str, ...] = ()

    @property
    def licence(self) -> str | None:
        """Its licence and what it allows in a line; `None` if unknown."""
        return licence_text(self.inspection.licence, self.inspection.licence_link)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterInfo:
    """What is known of a LoRA that can be used.

    Attributes:
        adapter: The LoRA.
        family: The family in `FAMILIES` that it is for; `None` if unclear.
        base_model: What it was trained on, in Civitai's words; empty if unknown.
        trained_words: All words that it answers to.
        licence: Its licence and what it allows in a line; `None` if unknown.
        size: Bytes on disk; `None` if it isn't there.
        gone: Whether its source was a file of the owner's that isn't there any more.
    """

    adapter: Adapter
    family: str | None
    base_model: str
    trained_words: tuple[str, ...]
    licence: str | None
    size: int | None
    gone: bool


class AdapterManager:
    """Adds, removes and examines LoRAs. Whatever asks the disk or the network does so on a thread.

    Attributes:
        catalogue: The LoRAs; it is changed here.
        safeguards: What the owner does for licences that ask for it.
    """

    def __init__(
        self,
        catalogue: AdapterCatalogue,
        table: AdapterTable,
        jobs: JobTable,
        downloads: DownloadManager,
        hub: HubClient,
        *,
        safeguards: Safeguards | None = None,
        submission: asyncio.Lock,
        model_origins: Callable[[], Iterable[Origin]] = tuple,
    ) -> None:
        """Take over the catalogue.

        Args:
            catalogue: The LoRAs.
            table: The stored ones.
            jobs: The jobs, which may need one.
            downloads: Downloads them.
            hub: Where they come from.
            safeguards: What the owner does for licences that ask for it.
            submission: Held while a job is taken in, so that its LoRA can't be removed meanwhile.
            model_origins: Returns what the models are made from, which may be the same files.
        """
        self.catalogue = catalogue
        self._table = table
        self._jobs = jobs
        self._downloads = downloads
        self._hub = hub
        self.safeguards = safeguards or Safeguards()
        self._submission = submission
        self._model_origins = model_origins
        self._last_seen: dict[str, StoredAdapter] | None = None

    async def restore(self) -> None:
        """Have the stored LoRAs in the catalogue. Raises `StorageError`."""
        async with self._submission:
            await self._restore()

    async def _restore(self) -> None:
        stored = await self._table.all()
        if stored != self._last_seen:
            self.catalogue.restore(stored)
        self._last_seen = stored

    async def candidate(
        self,
        source: str,
        *,
        name: str | None = None,
        weight: float | None = None,
        trigger: str | None = None,
    ) -> AdapterCandidate:
        """What adding a LoRA would involve. Nothing is downloaded but its header.

        Args:
            source: A Hub ID or a file on the Hub, a version on Civitai, a folder or a file.
            name: What to call it; by default, a name made from the source.
            weight: Its default weight; by default 1.
            trigger: Its trigger words; by default, those that Civitai knows.

        Raises:
            InvalidModel: When the name is taken or not valid.
            ModelUnavailable: When it can't be had, or isn't a LoRA.
        """
        if not source.strip():
            raise InvalidModel(say("No source given. Enter a Hub ID, a Civitai link or a file."))
        if name is not None:
            self.catalogue.check_new_name(name)
        found = await asyncio.to_thread(inspect_lora, source.strip(), self._hub)
        name = name or free_name(found.title or found.source, "lora", self.catalogue)
        settings = AdapterSettings(
            source=found.source,
            weight=1.0 if weight is None else weight,
            trigger=found.trigger if trigger is None else trigger,
            description=(found.title or "")[:100],
            family=found.family,
        )
        return AdapterCandidate(
            name=name,
            settings=settings,
            inspection=found,
            same_as=next((a.name for a in self.catalogue if a.source == found.source), None),
            licence_warnings=licence_warnings(known_terms(found.licence), self.safeguards),
        )

    async def add(
        self, candidate: AdapterCandidate, on_progress: OnProgress | None = None
    ) -> Adapter:
        """Download a LoRA, then put it in the catalogue. An incomplete one isn't registered.

        Cancelling the task stops the download, and the next one resumes there.

        Args:
            candidate: The LoRA.
            on_progress: Called in the loop, at most ten times a second.

        Raises:
            InvalidModel: When it is being added already, or its name has been taken meanwhile.
            ModelUnavailable: When it can't be had, or the disk is full.
            StorageError: When it can't be stored.
        """
        name, settings = candidate.name, candidate.settings
        self.catalogue.check_new_name(name)
        await self._downloads.download_lora(name, settings.source, on_progress)
        async with self._submission:
            self.catalogue.check_new_name(name)
            await self._table.save(name, StoredAdapter(**settings.model_dump()))
            self._last_seen = None
            return self.catalogue.add(name, settings)

    async def add_own(self, name: str, settings: StoredAdapter) -> Adapter:
        """Put a LoRA in the catalogue that was made here, or one that is there from that file.

        It gets another name if that one has been taken. Raises `StorageError`.
        """
        async with self._submission:
            same = (one.name for one in self.catalogue if one.source == settings.source)
            if (known := next(same, None)) is not None:
                name = known
            elif name in self.catalogue:
                name = free_name(name, "lora", self.catalogue)
            await self._table.save(name, settings)
            await self._restore()
            return self.catalogue[name]

    async def share(self, adapter: Adapter) -> None:
        """Let everybody of its scope use a LoRA of one person. Raises `StorageError`."""
        async with self._submission:
            stored = (await self._table.all())[adapter.name]
            await self._table.save(adapter.name, stored.model_copy(update={"owner": None}))
            await self._restore()

    def in_folder(self, folder: Path) -> list[Adapter]:
        """The LoRAs whose files are in a folder."""
        return [one for one in self.catalogue if Path(one.source).parent == folder.absolute()]

    async def require_unused(self, *names: str) -> None:
        """Raise `InvalidModel` when jobs need one of these LoRAs."""
        for name in names:
            if waiting := await self._jobs.count_open_with(name):
                raise InvalidModel(
                    say_many(
                        "{number} job still needs “{name}”. Wait for it or cancel it, then remove "
                        "the LoRA.",
                        "{number} jobs still need “{name}”. Wait for them or cancel them, then "
                        "remove the LoRA.",
                        waiting,
                        name=name,
                    )
                )

    async def remove(self, *names: str) -> int:
        """Remove LoRAs that were added by command, all or none, and free their disk space.

        The owner's own files stay, and so does what another LoRA or model needs.

        Returns:
            Bytes that were freed.

        Raises:
            InvalidRequest: When there is no such LoRA.
            InvalidModel: When one wasn't added by command, or jobs need it.
            ModelUnavailable: When a file can't be deleted; they were removed all the same.
            StorageError: When that can't be stored.
        """
        async with self._submission:
            adapters = [self.catalogue.removable(name) for name in names]
            await self.require_unused(*(adapter.name for adapter in adapters))
            for adapter in adapters:
                await self._table.delete(adapter.name)
                self._last_seen = None
                self.catalogue.remove(adapter.name)
        freed = 0
        for origin in origins_of(adapters):
            others = [*origins_of(self.catalogue), *self._model_origins()]
            freed += await self._downloads.free(origin, others)
        return freed

    async def info(self, name: str) -> AdapterInfo:
        """What is known of a LoRA. Raises `InvalidRequest` when there is none of that name."""
        adapter = self.catalogue[name]
        return await asyncio.to_thread(self._info, adapter)

    def _info(self, adapter: Adapter) -> AdapterInfo:
        try:
            source, file = lora_source(adapter.source), lora_on_disk(adapter.source)
            size = file.stat().st_size if file else None
        except (ModelUnavailable, OSError):
            source, size = None, None
        facts = civitai_facts(source.civitai) if source and source.civitai is not None else None
        return AdapterInfo(
            adapter=adapter,
            family=self.catalogue.family_of(adapter),
            base_model=facts.base_model if facts else "",
            trained_words=facts.trained_words if facts else (),
            licence=licence_text(facts.licence) if facts else None,
            size=size,
            gone=source is None,
        )


def origins_of(adapters: Iterable[Adapter]) -> Iterator[Origin]:
    """What these LoRAs are made from; those with an impossible source are left out."""
    for adapter in adapters:
        try:
            yield Origin(lora_source(adapter.source))
        except ModelUnavailable:
            continue
