"""Submission: requests are checked against everything that may refuse them, then stored as jobs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from engine.devices.dispatcher import Dispatcher
from engine.errors import NeedsReview, QueueFull
from engine.images.uploads import UploadFolder
from engine.jobs.context import RequestContext
from engine.jobs.context_loader import ContextLoader
from engine.jobs.job import Job
from engine.jobs.queue_shares import check_shares
from engine.jobs.rate_limits import window_start
from engine.jobs.recipe import Recipe
from engine.jobs.recipe_checks import check_complete, check_length
from engine.jobs.request import ImageRequest
from engine.jobs.requester import Requester
from engine.models.adapters import AdapterCatalogue
from engine.models.controls import ControlCatalogue
from engine.store import JobTable
from speech import say, say_many


class JobSubmission:
    """Checks requests and queues them.

    Attributes:
        lock: Held while limits are checked and jobs are stored, so that two requests can't both
            use the last of a limit, and no model is removed in between.
        queue_size: The most jobs that may wait.
    """

    def __init__(
        self,
        contexts: ContextLoader,
        adapters: AdapterCatalogue,
        controls: ControlCatalogue,
        uploads: UploadFolder,
        jobs: JobTable,
        dispatcher: Dispatcher,
        queue_size: int,
        *,
        quick: bool = False,
    ) -> None:
        self.lock = asyncio.Lock()
        self._contexts = contexts
        self._adapters = adapters
        self._controls = controls
        self._uploads = uploads
        self._jobs = jobs
        self._dispatcher = dispatcher
        self.queue_size = queue_size
        self._quick = quick

    async def submit(self, requests: Sequence[ImageRequest], requester: Requester) -> list[Job]:
        """Queue all requests or none. Raises as `Studio.submit_all` does."""
        async with self.admission(requests, requester) as recipes:
            jobs = await self._jobs.add_all(requester, recipes)
            for job in jobs:
                self._dispatcher.push(job)
        return jobs

    @asynccontextmanager
    async def admission(
        self, requests: Sequence[ImageRequest], requester: Requester, *, as_one: bool = False
    ) -> AsyncIterator[list[Recipe]]:
        """Let the recipes of the requests be stored and queued inside, under the lock.

        Args:
            requests: What to paint.
            requester: Who asks.
            as_one: Whether they count as one waiting job, as the cells of a grid do.

        Raises:
            AtelierError: As `Studio.submit_all` does.
        """
        context = await self.context_of(requester)
        recipes = await self._recipes(requests, context)
        reviewed = requester.review is not None
        words = () if reviewed else await context.words.to_review(*requests)
        async with self.lock:
            for recipe in recipes:
                check_complete(recipe, context.catalogue[recipe.model])
            await self.check_room(recipes, requester, as_one=as_one)
            require_review(words)
            yield recipes

    async def check(
        self,
        requests: Sequence[ImageRequest],
        requester: Requester,
        *,
        as_one: bool = False,
        reviewed: bool = False,
    ) -> list[Recipe]:
        """The recipes of the requests, if `admission` would let them in now.

        Args:
            requests: What to paint.
            requester: Who asks.
            as_one: As in `admission`.
            reviewed: Whether a moderator has reviewed them, or will.

        Raises:
            AtelierError: As `admission` does.
        """
        context = await self.context_of(requester)
        recipes = await self._recipes(requests, context)
        await self.check_room(recipes, requester, as_one=as_one)
        require_review(() if reviewed else await context.words.to_review(*requests))
        return recipes

    async def check_rate_limits(self, requester: Requester, pictures: int, jobs: int = 1) -> None:
        """Raise `LimitReached` or `InvalidRequest` when that exceeds the requester's limits."""
        if requester.rate_limits is None:
            return
        used = await self._jobs.used_since(requester.owner, window_start())
        own = self._dispatcher.open_jobs(requester.owner)
        grids = {job.cell.grid for job in own if job.cell}
        single = sum(not job.cell for job in own)
        requester.rate_limits.check(pictures, used, single + len(grids), jobs)

    async def context_of(self, requester: Requester) -> RequestContext:
        """What the requester's scope has decided, loaded if it wasn't yet."""
        if requester.context is not None:
            return requester.context
        return await self._contexts.load(requester.scope, requester.scope, requester.owner)

    def require_adapters(self, recipe: Recipe, context: RequestContext) -> None:
        """Raise `InvalidRequest` unless the requester can use the LoRAs of a recipe there."""
        adapters = self._adapters.seen_by(context.scope, context.owner)
        for use in recipe.adapters:
            adapters[use.name]

    async def _recipes(
        self, requests: Sequence[ImageRequest], context: RequestContext
    ) -> list[Recipe]:
        """The recipes of the requests, if each of them can be painted for the scope."""
        for request in requests:
            check_length(request.prompt, request.negative_prompt)
        await context.words.check(*requests)
        recipes = []
        adapters = self._adapters.seen_by(context.scope, context.owner)
        for request in requests:
            request, model = context.models.apply(request)
            recipe = request.resolve(model, adapters, self._controls, quick=self._quick)
            shown = recipe.control.image if recipe.control else None
            for name in (request.image, request.mask, shown):
                if name is not None:
                    self._uploads.require(name)
            if recipe.references:
                await asyncio.to_thread(self._uploads.require_references, recipe.references)
            recipes.append(recipe)
        return recipes

    async def check_room(
        self, recipes: Sequence[Recipe], requester: Requester, *, as_one: bool = False
    ) -> None:
        """Raise unless the queue has room for the recipes and the requester's limits allow them."""
        if len(self._dispatcher) + len(recipes) > self.queue_size:
            raise QueueFull(
                say_many(
                    "The queue is full ({number} job). Try again in a few minutes.",
                    "The queue is full ({number} jobs). Try again in a few minutes.",
                    self.queue_size,
                )
            )
        check_shares(
            requester,
            self._dispatcher.waiting_of(requester.owner),
            self._dispatcher.waiting_in(requester.scope),
            len(recipes),
            self.queue_size,
        )
        pictures = sum(recipe.count for recipe in recipes)
        await self.check_rate_limits(requester, pictures, 1 if as_one else len(recipes))


def require_review(words: tuple[str, ...]) -> None:
    """Raise `NeedsReview` if there are words for which a moderator has to review the request."""
    if words:
        raise NeedsReview(
            say(
                "Your prompt contains a word that a moderator of this server must review "
                "first. Use `/imagine` to send it for review."
            ),
            words,
        )
