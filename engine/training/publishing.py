"""Publishing what trainings have made on the Hub, in the name of whoever owns this machine."""

import contextvars
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from engine.background_thread import BackgroundThread, ThreadStopped
from engine.errors import InvalidModel, InvalidRequest
from engine.hub import HubClient
from engine.hub.account import account_of
from engine.hub.publishing import Publication, Standing, UploadProgress, publish, standing
from engine.hub.publishing_errors import NotPublished
from engine.models.adapter_manager import AdapterManager
from engine.models.adapters import Adapter
from engine.models.publication import LICENCES, licence_of, publication_of, repository_of
from engine.models.publishable import Publishable, publishable_lora
from engine.store import TrainingTable
from engine.training.run_folder import RunFolder
from engine.training.training import Training
from speech import say

T = TypeVar("T")

DIGEST = 12
"""Hex digits that tell proposals apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What would be published; nothing has left this machine yet.

    Attributes:
        publication: The files and the model card.
        revealing: Keys of the LoRA's metadata that name folders of this machine.
        there: What is in the repository; `None` if the name is free.
        sheet: A picture of how the LoRA learnt, if there is one.
    """

    publication: Publication
    revealing: tuple[str, ...] = ()
    there: Standing | None = None
    sheet: Path | None = None

    @property
    def seen_already(self) -> bool:
        """Whether everybody sees what is in the repository."""
        return self.there is not None and not self.there.private

    @property
    def digest(self) -> str:
        """Another one where another card, other files or another repository would be published."""
        found = self.publication
        files = {
            path: sha256(file).hexdigest() if isinstance(file, bytes) else file
            for path, file in found.files.items()
        }
        text = repr((found.repo, found.card, files))
        return sha256(text.encode()).hexdigest()[:DIGEST]


class TrainingPublishing:
    """Publishes the LoRAs of trainings. What blocks runs on threads of its own.

    Uploads take turns on one of them; the other one answers meanwhile what would be published.
    """

    def __init__(self, hub: HubClient, adapters: AdapterManager, table: TrainingTable) -> None:
        """Take the Hub, the LoRAs and the trainings."""
        self._hub = hub
        self._adapters = adapters
        self._table = table
        self._proposals = BackgroundThread("propose")
        self._uploads = BackgroundThread("publish")
        self._uploading: dict[int, threading.Event] = {}

    async def propose(self, training_id: int, repo: str = "", licence: str = "") -> Proposal:
        """What publishing a training's LoRA would upload. Only the account and the name are asked.

        Args:
            training_id: A finished training.
            repo: `owner/name`, or a name in the account; by default the LoRA's name.
            licence: An identifier of the Hub's; by default that of the model it was trained on.

        Raises:
            UnknownJob: There is no such training.
            InvalidModel: Its LoRA isn't there any more, or is damaged.
            InvalidRequest: The repository or the licence can't be called so, or the licence isn't
                known.
            HubTokenError: There is no token, or it may not publish there.
            NotPublished: Something else is there.
            HubUnreachable: The Hub can't be reached.
        """
        training = await self._table.get(training_id)
        adapter = self._adapter(training)
        family = self._adapters.catalogue.family_of(adapter)
        return await _run(
            self._proposals, partial(_propose, adapter, family, repo, licence, self._hub)
        )

    @contextmanager
    def claim(self, training_id: int) -> Iterator[None]:
        """Have it be published while this is entered, by nobody else; `cancel` counts from now on.

        Raises:
            InvalidRequest: It is being published already.
        """
        if training_id in self._uploading:
            raise InvalidRequest(say("It is being published already."))
        self._uploading[training_id] = threading.Event()
        try:
            yield
        finally:
            self._uploading.pop(training_id).set()

    async def publish(
        self,
        training_id: int,
        proposal: Proposal,
        *,
        public: bool,
        on_progress: Callable[[UploadProgress], None],
    ) -> str:
        """Upload what was proposed. What an interrupted upload has sent isn't sent again.

        Args:
            training_id: The training, which the caller has claimed.
            proposal: What `propose` has returned.
            public: Whether everybody may see it.
            on_progress: Called in the loop before each file.

        Returns:
            The address of its page.

        Raises:
            NotPublished: The name is taken, the Hub doesn't take it, it was cancelled, or the
                program ends.
            HubTokenError: The token may not write there.
            HubUnreachable: The Hub can't be reached.
        """
        cancelled = self._uploading[training_id]

        def pass_on(progress: UploadProgress) -> None:
            if cancelled.is_set():
                raise NotPublished(say("You cancelled it: nothing was published."))
            self._uploads.call_soon(on_progress, progress)

        publication = replace(proposal.publication, public=public)
        return await _run(self._uploads, partial(publish, publication, self._hub, pass_on))

    def cancel(self, training_id: int) -> bool:
        """Have an upload end before its next file. Returns whether there is one."""
        if (cancelled := self._uploading.get(training_id)) is None:
            return False
        cancelled.set()
        return True

    async def stop(self) -> None:
        """Publish no more; what is being uploaded goes on when it's published again."""
        for thread in (self._proposals, self._uploads):
            await thread.stop(0)

    def _adapter(self, training: Training) -> Adapter:
        for adapter in self._adapters.in_folder(training.folder):
            if training.file and Path(adapter.source) == training.file.absolute():
                return adapter
        raise InvalidModel(say("The LoRA “{name}” isn't there any more.", name=training.name))


async def _run(thread: BackgroundThread, call: Callable[[], T]) -> T:
    """Call it on a thread, in the language that is spoken here."""
    context = contextvars.copy_context()
    try:
        return await thread.run(partial(context.run, call))
    except ThreadStopped:
        raise NotPublished(
            say("I'm being stopped. Publish it again later; what was uploaded is kept.")
        ) from None


def publishable_trained(adapter: Adapter, family: str | None) -> Publishable:
    """A LoRA of the owner's, with the latest samples if it was trained here. Blocks.

    Raises:
        InvalidModel: It came from elsewhere.
        ModelUnavailable: Its file isn't there or is damaged.
    """
    found = publishable_lora(adapter, family)
    [file] = found.files.values()
    folder = RunFolder(file.parent)
    request, steps = folder.read_request(), folder.sampled_steps()
    if request is None or not steps:
        return found
    prompts = {
        sample: prompt
        for number, prompt in enumerate(request.sample_prompts, start=1)
        if (sample := folder.sample(steps[-1], number)).is_file()
    }
    return replace(
        found,
        previews=(*found.previews, *prompts),
        prompts=prompts,
        sheet=folder.sheet if folder.sheet.is_file() else None,
    )


def _propose(
    adapter: Adapter, family: str | None, repo: str, licence: str, hub: HubClient
) -> Proposal:
    found = publishable_trained(adapter, family)
    repo = repository_of(found, repo, account_of(hub))
    known = licence_of(found, found.base_model, licence or None)
    if known is None:
        raise InvalidRequest(
            say(
                "The licence of the model that “{name}” was trained on isn't known. Choose one "
                "with the option `licence`, such as apache-2.0. All of them: {page}",
                name=found.name,
                page=LICENCES,
            )
        )
    publication = publication_of(found, repo, known, base=found.base_model)
    return Proposal(
        publication=publication,
        revealing=found.revealing,
        there=standing(publication, hub),
        sheet=found.sheet,
    )
