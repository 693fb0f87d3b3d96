"""Admission: whether requests can be taken, one after the other, and what they ask for by then."""

import asyncio
from collections.abc import Sequence

from engine.errors import QueueFull
from engine.images.uploads import UploadFolder
from engine.jobs.rate_limits import RateLimits, window_start
from engine.jobs.request import ImageRequest, Recipe
from engine.models.adapters import AdapterCatalogue
from engine.models.catalogue import Catalogue
from engine.models.server_models import ServerModels
from engine.moderation.moderation import Moderation
from engine.store import JobTable
from engine.worker.worker import Worker
from speech import say_many


class JobSubmission:
    """Checks requests against everything that may speak against them.

    Attributes:
        lock: Whoever takes something checks and writes it down under this lock.
    """

    def __init__(
        self,
        lock: asyncio.Lock,
        catalogue: Catalogue,
        adapters: AdapterCatalogue,
        moderation: Moderation,
        rules: ServerModels,
        uploads: UploadFolder,
        jobs: JobTable,
        worker: Worker,
        queue_size: int,
    ) -> None:
        self.lock = lock
        self._models = catalogue
        self._adapters = adapters
        self._moderation = moderation
        self._server_models = rules
        self._uploads = uploads
        self._jobs = jobs
        self._worker = worker
        self._queue_size = queue_size

    async def recipes(
        self,
        requests: Sequence[ImageRequest],
        owner: str,
        scope: str,
        rate_limits: RateLimits | None,
        *,
        as_one: bool = False,
        reviewed: bool = False,
    ) -> list[Recipe]:
        """What the requests ask for, if there is room for all of them.

        Args:
            requests: What is to be painted.
            owner: Who asks.
            scope: Where the requests come from.
            rate_limits: What the owner may use.
            as_one: Whether they are waited for together, as the cells of a sheet are.
            reviewed: Whether a moderator has looked at them, or will.

        Raises:
            AtelierError: As `Studio.submit` does.
        """
        await self._moderation.check(scope, *requests)
        recipes = []
        for request in requests:
            model = self._models[request.model or await self._server_models.model_name(scope)]
            request = await self._server_models.apply(request, model, scope)
            recipes.append(request.resolve(model, self._adapters))
            for name in (request.image, request.mask):
                if name is not None:
                    self._uploads.require(name)
        if len(self._worker) + len(recipes) > self._queue_size:
            raise QueueFull(
                say_many(
                    "The queue is full ({number} job). Try again in a few minutes.",
                    "The queue is full ({number} jobs). Try again in a few minutes.",
                    self._queue_size,
                )
            )
        pictures = sum(recipe.count for recipe in recipes)
        await self.check_rate_limits(owner, pictures, rate_limits, 1 if as_one else len(recipes))
        if not reviewed:
            await self._moderation.check_reviewed(scope, requests)
        return recipes

    async def check_rate_limits(
        self, owner: str, pictures: int, rate_limits: RateLimits | None, jobs: int = 1
    ) -> None:
        """Raise `LimitReached` or `InvalidRequest` when that goes beyond what the owner may use."""
        if rate_limits is None:
            return
        used = await self._jobs.used_since(owner, window_start())
        jobs_open = [*self._worker.running, *self._worker.waiting]
        mine = [job for job in jobs_open if job.owner == owner]
        grids = {job.cell.grid for job in mine if job.cell}
        alone = sum(not job.cell for job in mine)
        rate_limits.check(pictures, used, alone + len(grids), jobs)
