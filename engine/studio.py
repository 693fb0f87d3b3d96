"""The façade: everything that the Discord side may ask of the engine."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from typing import Any

from engine.cluster.bot.cluster import Cluster
from engine.devices.attached_device import DeviceState
from engine.errors import NotYours
from engine.jobs.context import RequestContext
from engine.jobs.events import watch_job
from engine.jobs.job import Job, JobEvent, Parent
from engine.jobs.recipe import Recipe
from engine.jobs.request import ImageRequest
from engine.jobs.requester import Requester
from engine.live_settings import LiveSettings
from engine.memory.device import DeviceMemory
from engine.models.model import Model
from engine.services import (
    FileServices,
    JobServices,
    ModelServices,
    ScopeServices,
    WritingServices,
)
from engine.status import Status, StudioReport, report, status_of
from engine.store import JobPage, Painted, Search, Store, Viewer
from speech import phrase, say


class Studio:
    """Takes requests, paints them, and reports on them. Made by `open_studio`.

    Attributes:
        models: The models to paint with.
        adapters: The LoRAs that can be added to them.
        adapter_manager: Adds and removes LoRAs, and tells about them.
        model_manager: Adds, removes, plans and verifies models.
        server_models: What each scope has decided about models.
        trainings: LoRAs that members train.
        publishing: Publishes those on the Hub.
        moderation: Blocks, word lists and audit log of each scope.
        safety: What the classifier has said of pictures, if there is one.
        styles: The styles of each scope, and the defaults of each person.
        preferences: Other values that are kept by scope and key.
        init_images: The images that requests start from.
        control_maps: The networks for control, and the maps of control pictures.
        upload_limits: How much people may upload.
        grids: Comparison grids.
        history: Searches among finished jobs.
        acts: What people were promised and is not finished.
        favourites: The stars, and the messages in galleries.
        workers: Everything that paints for this bot; pauses it.
        cluster: The workers on other machines; `None` if there can't be any.
        describer: Describes pictures.
        rewriter: Improves and shortens prompts.
        live_settings: Takes settings that count at once.
        processes: Queues work on finished pictures: enlarging by a network, removing the
            background, fixing details.
    """

    def __init__(
        self,
        store: Store,
        models: ModelServices,
        jobs: JobServices,
        scopes: ScopeServices,
        files: FileServices,
        writing: WritingServices,
        live_settings: LiveSettings,
    ) -> None:
        self.live_settings = live_settings
        self.models = models.catalogue
        self.adapter_manager = models.adapters
        self.adapters = models.adapters.catalogue
        self.model_manager = models.manager
        self.server_models = models.server_models
        self.trainings = models.trainings
        self.publishing = models.publishing
        self.moderation = scopes.moderation
        self.safety = scopes.safety
        self.styles = scopes.styles
        self.preferences = store.preferences
        self.init_images = files.init_images
        self.control_maps = files.control_maps
        self.upload_limits = files.upload_limits
        self.grids = jobs.grids
        self.history = store.history
        self.acts = store.acts
        self.favourites = store.favourites
        self._store = store
        self._contexts = scopes.contexts
        self._submission = jobs.submission
        self.processes = jobs.processes
        self._enlarger = jobs.enlarger
        self._dispatcher = jobs.dispatcher
        self._job_events = jobs.events
        self._pictures = files.pictures
        self.workers = jobs.workers
        self.cluster: Cluster | None = None
        self.describer = writing.describer
        self.rewriter = writing.rewriter

    async def context(self, scope: str, user_scope: str, owner: str) -> RequestContext:
        """What a request depends on, with two reads of the database.

        Args:
            scope: Where the request comes from, such as a server.
            user_scope: Where the person's own choices are kept.
            owner: Who asks.
        """
        return await self._contexts.load(scope, user_scope, owner)

    async def submit(self, request: ImageRequest, requester: Requester) -> Job:
        """Queue a job; when this returns, the job survives a restart.

        Args:
            request: What to paint; without a model, with the one that the scope uses.
            requester: Who asks.

        Raises:
            InvalidRequest: When it can't be painted, or the scope doesn't allow its model.
            UnknownModel: When its model doesn't exist.
            NeedsReview: When a moderator has to review it first.
            LimitReached: When the owner has to wait.
            QueueFull: When the queue has no room.
            StorageError: When it can't be stored.
        """
        [job] = await self._submission.submit([request], requester)
        return job

    async def submit_all(self, requests: Sequence[ImageRequest], requester: Requester) -> list[Job]:
        """Queue several jobs, all of them or none.

        Raises:
            AtelierError: As `submit` does, when one can't be queued or they are too many together.
            AlreadyDecided: When the review of the requester was decided before.
        """
        return await self._submission.submit(requests, requester)

    async def check_all(
        self, requests: Sequence[ImageRequest], requester: Requester, *, as_one: bool = False
    ) -> list[Recipe]:
        """What `submit_all` would paint, or a grid of them. Raises as it does, but for a review."""
        return await self._submission.check(requests, requester, as_one=as_one, reviewed=True)

    async def forecast(
        self, requests: Sequence[ImageRequest], requester: Requester
    ) -> float | None:
        """Seconds until all of `requests` would be painted if they were submitted now.

        `None` if that isn't known yet, or depends on a download (see `missing`). Raises as
        `check_all` does, but not for the requester's limits.
        """
        recipes = await self.check_all(requests, replace(requester, rate_limits=None))
        return await self._dispatcher.forecast(requester.owner, recipes)

    async def missing(self, requests: Sequence[ImageRequest], requester: Requester) -> Model | None:
        """The first model of `requests` that has to be downloaded before it can paint, if any.

        Raises:
            UnknownModel: When a model doesn't exist.
        """
        names = [self.models[request.model].name for request in requests if request.model]
        if len(names) < len(requests):
            names.append((await self._submission.context_of(requester)).models.model.name)
        name = await self._dispatcher.missing(names)
        return None if name is None else self.models[name]

    async def enlarge(self, picture: Parent, factor: int, requester: Requester) -> Job:
        """A painted job whose picture is `picture`, resized.

        If the program stops in between, the job is painted at the next start.

        Args:
            picture: Which picture.
            factor: How many times as wide and high it becomes.
            requester: Who asks; its parent is set to `picture`.

        Raises:
            UnknownJob: When the job of the picture was deleted.
            InvalidRequest: When the file is gone, the picture would become too large, or the
                scope blocks a word of its prompt.
            LimitReached: When the owner has to wait.
            StorageError: When it can't be stored.
        """
        return await self._enlarger.enlarge(picture, factor, requester)

    async def cancel(self, job_id: int, by: str | None = None) -> bool:
        """Cancel a job, a running one before its next step.

        Args:
            job_id: Which job.
            by: Who acts: the owner, or `None` for someone who may cancel any job.

        Returns:
            Whether the job could still be cancelled.

        Raises:
            UnknownJob: When there is no such job.
            NotYours: When `by` is not its owner.
        """
        await self._check_owner(
            job_id, by, phrase("Only the person who requested job {number} can cancel it.")
        )
        return await self._dispatcher.cancel(job_id)

    async def delete(self, job_id: int, by: str | None = None) -> None:
        """Delete a job and its pictures; the arguments are those of `cancel`.

        Raises:
            UnknownJob: When there is no such job.
            NotYours: When `by` is not its owner.
        """
        await self._check_owner(
            job_id, by, phrase("Only the person who requested job {number} can delete it.")
        )
        await self._dispatcher.cancel(job_id)
        async for _ in self.watch(job_id):
            pass
        job = await self.job(job_id)  # it may have been painted meanwhile
        await self._store.jobs.delete(job_id)
        await asyncio.to_thread(self._pictures.delete, job.pictures)

    async def watch(self, job_id: int) -> AsyncGenerator[JobEvent, None]:
        """Yield the state of a job and then each change, until it is painted or over.

        Slow watchers skip events: they always get the latest.

        Raises:
            UnknownJob: When there is no such job.
        """
        async for event in watch_job(self._store.jobs, self._job_events, job_id):
            yield event

    def event(self, job_id: int) -> JobEvent:
        """The latest event of a queued or running job. Raises `KeyError` when it is over."""
        return self._job_events[job_id]

    async def job(self, job_id: int) -> Job:
        """The job of that number. Raises `UnknownJob`."""
        return await self._store.jobs.get(job_id)

    async def several_jobs(self, job_ids: Sequence[int]) -> list[Job]:
        """The jobs of these numbers that still exist, newest first."""
        return await self._store.jobs.several(job_ids)

    async def visible_jobs(
        self,
        viewer: Viewer,
        search: Search,
        page: int = 0,
        size: int = 5,
        *,
        at_random: bool = False,
    ) -> JobPage:
        """The finished jobs that `search` finds and `viewer` may see.

        Private jobs of others, jobs that are withheld, and jobs in places that the viewer can't
        see are left out here and nowhere else.

        Args:
            viewer: Who looks.
            search: What for.
            page: Which page, from 0, newest jobs first; the last one if there are fewer.
            size: Jobs on a page.
            at_random: Whether to choose `size` jobs at random instead.
        """
        if at_random:
            return await self._store.visible_jobs.random(viewer, search, size)
        return await self._store.visible_jobs.page(viewer, search, page, size)

    async def latest_visible_jobs(self, viewer: Viewer, search: Search, size: int) -> list[Job]:
        """At most `size` jobs of those that `visible_jobs` has, newest first."""
        return await self._store.visible_jobs.latest(viewer, search, size)

    async def undelivered(self) -> list[Job]:
        """Jobs whose outcome has not been shown yet, oldest first: to be resumed at a start.

        Cells are left out: they are shown in their grids.
        """
        return [job for job in await self._store.jobs.undelivered() if job.cell is None]

    async def set_message_ref(self, job_id: int, message_ref: Any) -> None:
        """Update where the job's answer is."""
        await self._store.jobs.set_message_ref(job_id, message_ref)

    async def mark_delivered(self, job_id: int) -> None:
        """Record that the outcome of the job has been shown."""
        await self._store.jobs.mark_delivered(job_id)

    def listen(self, listener: Callable[[JobEvent], None]) -> None:
        """Have `listener` called with every event of every job from now on; it may not block."""
        self._job_events.listen(listener)

    def running(self) -> list[tuple[Job, JobEvent]]:
        """The jobs being painted."""
        return [(job, self._job_events[job.id]) for job in self._dispatcher.running]

    def next_waiting(self, most: int) -> list[tuple[Job, JobEvent]]:
        """The first `most` jobs that wait; that costs the same however many others do."""
        return [(job, self._job_events[job.id]) for job in self._dispatcher.next_waiting(most)]

    def queue(self) -> list[tuple[Job, JobEvent]]:
        """The jobs being painted, then those that wait, in the order of their turns."""
        self._dispatcher.post_positions()
        jobs = [*self._dispatcher.running, *self._dispatcher.waiting]
        return [(job, self._job_events[job.id]) for job in jobs]

    async def use_model(self, name: str, scope: str) -> Model:
        """Paint requests from `scope` with the model `name` from now on.

        A model that isn't on disk yet is looked up on the Hub, which may take some seconds; it is
        downloaded when it is first used.

        Raises:
            UnknownModel: When there is no such model.
            InvalidRequest: When `scope` doesn't allow it.
            ModelUnavailable: When its files are damaged or can't be downloaded; `scope` keeps its
                current model.
        """
        model = self.models[name]
        (await self.server_models.rules(scope)).check(model)
        await self.model_manager.check(model)
        await self.server_models.choose(scope, model)
        return model

    async def model_of(self, scope: str) -> Model:
        """The model for requests from `scope` that name none."""
        return (await self.server_models.rules(scope)).model

    def status(self) -> Status:
        """The queue at a glance."""
        return status_of(self._dispatcher)

    @property
    def devices(self) -> tuple[DeviceState, ...]:
        """What each device is doing."""
        return self._dispatcher.devices

    async def painted_since(self, since: float) -> list[Painted]:
        """When how many pictures were painted after `since` (epoch seconds), of the last day."""
        return await self._store.outcomes.painted_since(since)

    async def device_memory(self) -> list[DeviceMemory]:
        """How much is taken of each device's memory, as far as it can tell; also in `devices`."""
        return await self._dispatcher.memory()

    async def require_database(self) -> None:
        """Raise `StorageError` unless the database answers."""
        await self._store.database.read("SELECT 1")

    async def report(self) -> StudioReport:
        """The engine in detail; this takes seconds if torch hasn't been imported yet."""
        default = self.models.default.name
        return await report(self._dispatcher, default, self.model_manager, self._store.outcomes)

    async def stop(self) -> None:
        """Take no more jobs, finish the running ones or queue them again, and end every `watch`.

        A training stops at a checkpoint, from which it goes on after the next start.
        """
        await asyncio.gather(self._dispatcher.stop(), self.trainings.stop())

    async def _check_owner(self, job_id: int, by: str | None, sentence: str) -> None:
        """Raise `UnknownJob`, or `NotYours` with `sentence`, unless `by` may act on the job."""
        job = await self.job(job_id)
        if by is not None and job.owner != by:
            raise NotYours(say(sentence, number=job_id))
