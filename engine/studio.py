"""The façade: everything that the other wing may ask of the engine."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import InvalidRequest, NotYours, StorageError
from engine.grids.grids import Grids
from engine.images.init_images import InitImages
from engine.images.output import OutputFolder, enlargeable
from engine.images.uploads import UploadFolder
from engine.jobs.events import JobEvents
from engine.jobs.job import Job, JobEvent, JobState, Parent
from engine.jobs.rate_limits import RateLimits
from engine.jobs.request import ImageRequest, Recipe, check_enlarged
from engine.jobs.submission import JobSubmission
from engine.jobs.watch import watch_job
from engine.models.adapters import AdapterCatalogue
from engine.models.catalogue import Catalogue, Model
from engine.models.manager import ModelManager
from engine.models.server_models import ServerModels
from engine.moderation.moderation import Moderation
from engine.report import StudioReport, report
from engine.safety.decisions import SafetyDecisions
from engine.store import (
    Favourites,
    History,
    JobTable,
    Outcomes,
    Preferences,
)
from engine.worker.worker import Worker
from speech import phrase, say


@dataclass(frozen=True, slots=True)
class Status:
    """How the studio is doing.

    Attributes:
        waiting: Jobs in the queue.
        running: Jobs that are being painted.
        model: Name of the model in use, if one is.
    """

    waiting: int
    running: int
    model: str | None


class Studio:
    """Takes requests, paints them, and tells how they are doing. Made by `open_studio`.

    Attributes:
        models: The models that may be painted with.
        adapters: The LoRAs that may be added to them.
        preferences: Small values that outlive a restart, by scope and key.
        model_manager: Adds and removes models, plans and verifies them.
        moderation: Keeps order in each scope: blocks, words, and who did what.
        rules: What each scope has decided about models.
        history: Finds finished jobs again.
        favourites: Who has starred what.
        starts: Keeps the pictures that requests start from.
        safety: What the classifier has said of pictures, where there is one.
        grids: Takes and watches comparison sheets.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        adapters: AdapterCatalogue,
        model_manager: ModelManager,
        moderation: Moderation,
        rules: ServerModels,
        outcomes: Outcomes,
        jobs: JobTable,
        preferences: Preferences,
        pictures: OutputFolder,
        uploads: UploadFolder,
        job_events: JobEvents,
        worker: Worker,
        submission: JobSubmission,
        history: History,
        favourites: Favourites,
        safety: SafetyDecisions,
        grids: Grids,
    ) -> None:
        self.models = catalogue
        self.adapters = adapters
        self.model_manager = model_manager
        self.preferences = preferences
        self.server_models = rules
        self.moderation = moderation
        self._outcomes = outcomes
        self._jobs = jobs
        self._pictures = pictures
        self._uploads = uploads
        self._job_events = job_events
        self._worker = worker
        self._submission = submission
        self._enlarging = asyncio.Lock()  # a large picture takes 100 MB: one at a time
        self.history = history
        self.favourites = favourites
        self.init_images = InitImages(jobs, uploads)
        self.safety = safety
        self.grids = grids

    async def submit(
        self,
        request: ImageRequest,
        *,
        owner: str,
        message_ref: Any,
        scope: str = "",
        rate_limits: RateLimits | None = None,
        parent: Parent | None = None,
    ) -> Job:
        """Take a request; when this returns, the job survives anything.

        Args:
            request: What to paint; without a model, with the one that `scope` uses.
            owner: Who asks: fairness and limits are counted by this.
            message_ref: Where the answer belongs, any JSON value; it is kept and given back.
            scope: Where the request comes from, such as a server.
            rate_limits: What the owner may use.
            parent: The picture that it goes on from.

        Raises:
            InvalidRequest: When it cannot be painted, or `scope` does not allow its model.
            UnknownModel: When its model is not configured.
            NeedsReview: When a moderator has to look at it first.
            LimitReached: When the owner has to wait.
            QueueFull: When everybody has to wait.
            StorageError: When it cannot be written down.
        """
        [job] = await self._take([request], owner, message_ref, scope, rate_limits, parent, None)
        return job

    async def submit_all(
        self,
        requests: Sequence[ImageRequest],
        *,
        owner: str,
        message_ref: Any,
        scope: str = "",
        rate_limits: RateLimits | None = None,
        parent: Parent | None = None,
        review: int | None = None,
    ) -> list[Job]:
        """Take several requests, all of them or none; the arguments are those of `submit`.

        Args:
            review: The number of the held request that a moderator allows by this: it is decided
                in the moment in which the jobs are written down, and once.

        Raises:
            AtelierError: As `submit` does, when one of them cannot be taken, or all together are
                too many; or the review is decided already.
        """
        return await self._take(requests, owner, message_ref, scope, rate_limits, parent, review)

    async def _take(
        self,
        requests: Sequence[ImageRequest],
        owner: str,
        message_ref: Any,
        scope: str,
        rate_limits: RateLimits | None,
        parent: Parent | None,
        review: int | None,
    ) -> list[Job]:
        async with self._submission.lock:
            recipes = await self._submission.recipes(
                requests, owner, scope, rate_limits, reviewed=review is not None
            )
            jobs = await self._jobs.add_all(owner, message_ref, recipes, parent, review)
            for job in jobs:
                self._worker.push(job)
        return jobs

    async def check_all(
        self,
        requests: Sequence[ImageRequest],
        *,
        owner: str,
        scope: str = "",
        rate_limits: RateLimits | None = None,
    ) -> list[Recipe]:
        """What `submit_all` would paint by now, and raise, a review aside; nothing is taken."""
        async with self._submission.lock:
            return await self._submission.recipes(
                requests, owner, scope, rate_limits, reviewed=True
            )

    async def forecast(
        self, requests: Sequence[ImageRequest], *, owner: str, scope: str = ""
    ) -> float | None:
        """Seconds until all of `requests` would be painted if `owner` submitted them now.

        `None` when that is not known yet, or depends on a download: `missing` tells. Raises as
        `submit_all`, but for what the owner may use.
        """
        recipes = await self.check_all(requests, owner=owner, scope=scope)
        return await self._worker.forecast(owner, recipes)

    async def missing(self, requests: Sequence[ImageRequest], *, scope: str = "") -> Model | None:
        """The first model of `requests` whose files have to be downloaded before it can paint.

        `None` when all of them are here. Raises `UnknownModel`.
        """
        names = [self.models[request.model].name for request in requests if request.model]
        if len(names) < len(requests):
            names.append(await self.server_models.model_name(scope))
        name = await self._worker.missing(names)
        return None if name is None else self.models[name]

    async def enlarge(
        self,
        parent: Parent,
        factor: int,
        *,
        owner: str,
        message_ref: Any,
        scope: str = "",
        rate_limits: RateLimits | None = None,
    ) -> Job:
        """A job whose picture is that of `parent`, resized and painted at once.

        Should the program end in between, the painter does it all again at the next start.

        Args:
            parent: Which picture.
            factor: How many times as wide and high it becomes.
            owner: Who asks.
            message_ref: Where the answer belongs.
            scope: Where the request comes from.
            rate_limits: What the owner may use.

        Raises:
            UnknownJob: When the job of the picture is gone.
            InvalidRequest: When its file is gone, it would become too large, or `scope` does not
                want its prompt.
            LimitReached: When the owner has to wait.
            StorageError: When it cannot be written down.
        """
        source, file = await self.init_images.finished(parent)
        if source.recipe.enlarged > 1:
            raise InvalidRequest(
                say("This picture is already enlarged. Enlarge the original instead.")
            )
        recipe = replace(
            source.recipe, seed=source.recipe.seeds[parent.number], count=1, enlarged=factor
        )
        check_enlarged(recipe)
        await self.moderation.check(scope, ImageRequest.of(recipe))
        async with self._enlarging:
            pixels = await asyncio.to_thread(enlargeable, file)
            verdicts = await self.safety.on(recipe, parent, (pixels,))
            async with self._submission.lock:
                await self._submission.check_rate_limits(owner, 1, rate_limits)
                job = await self._jobs.add(owner, message_ref, recipe, parent)
            try:
                files = await asyncio.to_thread(self._pictures.save, job, (pixels,))
            except BaseException as error:
                known = error.sentence if isinstance(error, StorageError) else None
                why = known or say("The picture couldn't be enlarged.")
                await self._jobs.set_state(job.id, JobState.FAILED, why)
                raise
            await self._jobs.set_painted(job.id, files, verdicts)
        return await self._jobs.get(job.id)

    async def cancel(self, job_id: int, by: str | None = None) -> bool:
        """Call a job off, a running one before its next step.

        Args:
            job_id: Which job.
            by: Who wants it: the owner, or `None` for somebody who may cancel any.

        Returns:
            Whether the job could still be called off.

        Raises:
            UnknownJob: When there is no such job.
            NotYours: When `by` is not its owner.
        """
        await self._owned(
            job_id, by, phrase("Only the person who requested job {number} can cancel it.")
        )
        return await self._worker.cancel(job_id)

    async def delete(self, job_id: int, by: str | None = None) -> None:
        """Remove a job and its pictures for good; the arguments are those of `cancel`.

        Raises:
            UnknownJob: When there is no such job.
            NotYours: When `by` is not its owner.
        """
        await self._owned(
            job_id, by, phrase("Only the person who requested job {number} can delete it.")
        )
        await self._worker.cancel(job_id)
        async for _ in self.watch(job_id):
            pass
        job = await self._jobs.get(job_id)  # it may have been painted meanwhile
        await self._jobs.delete(job_id)
        await asyncio.to_thread(self._pictures.delete, job.pictures)

    async def watch(self, job_id: int) -> AsyncGenerator[JobEvent, None]:
        """Yield what is known of a job and then each change, until it is painted or over.

        Slow watchers skip values: they always get the latest.

        Raises:
            UnknownJob: When there is no such job.
        """
        async for event in watch_job(self._jobs, self._job_events, job_id):
            yield event

    def event(self, job_id: int) -> JobEvent:
        """The latest of a job that is queued or running. Raises `KeyError` when it is over."""
        return self._job_events[job_id]

    async def job(self, job_id: int) -> Job:
        """The job of that number. Raises `UnknownJob`."""
        return await self._jobs.get(job_id)

    async def unsettled(self) -> list[Job]:
        """Jobs whose outcome has not been shown, oldest first: what to go on with at a start.

        Those that paint cells are shown in their sheets.
        """
        return [job for job in await self._jobs.unsettled() if job.cell is None]

    async def set_message_ref(self, job_id: int, message_ref: Any) -> None:
        """Remember where the job's answer is, now that more is known about it."""
        await self._jobs.set_message_ref(job_id, message_ref)

    async def settle(self, job_id: int) -> None:
        """Record that the outcome of the job has been shown."""
        await self._jobs.settle(job_id)

    def queue(self) -> list[tuple[Job, JobEvent]]:
        """The jobs being painted, then those that wait, in the order of their turns."""
        jobs = [*self._worker.running, *self._worker.waiting]
        return [(job, self._job_events[job.id]) for job in jobs]

    async def use_model(self, name: str, scope: str) -> Model:
        """Paint requests from `scope` with the model `name` from now on.

        One that is not on disk yet is looked for on the Hub, which may take some seconds; it is
        downloaded when it first paints.

        Raises:
            UnknownModel: When there is no such model.
            InvalidRequest: When `scope` does not allow it.
            ModelUnavailable: When its files are damaged or cannot be had; `scope` keeps the model
                that it has.
        """
        model = self.models[name]
        await self.server_models.check(scope, model)
        await self.model_manager.check(model)
        await self.preferences.set(scope, "model", name)
        return model

    async def model_of(self, scope: str) -> Model:
        """The model that requests from `scope` are painted with when they name none."""
        return self.models[await self.server_models.model_name(scope)]

    def status(self) -> Status:
        """How the studio is doing right now."""
        running = self._worker.running
        return Status(
            waiting=len(self._worker),
            running=len(running),
            model=running[0].recipe.model if running else None,
        )

    async def report(self) -> StudioReport:
        """How the whole engine is doing: device, plan, throughput and failures.

        The device is asked in a thread; that takes seconds when torch is not imported yet.
        """
        now = self.status()
        return await report(
            self.model_manager,
            self._outcomes,
            waiting=now.waiting,
            running=now.running,
            model=now.model or self.models.default.name,
        )

    async def stop(self) -> None:
        """Take no more work, finish what is in hand or put it back, and end every `watch`."""
        await self._worker.stop()

    async def _owned(self, job_id: int, by: str | None, otherwise: str) -> Job:
        job = await self._jobs.get(job_id)
        if by is not None and job.owner != by:
            raise NotYours(say(otherwise, number=job_id))
        return job
