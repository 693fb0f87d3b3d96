"""Work on finished pictures as jobs in the queue: enlarged by a network, cut out, repainted."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from engine.devices.dispatcher import Dispatcher
from engine.images.canvas import region_of
from engine.images.init_images import InitImages
from engine.jobs.job import Job, Parent
from engine.jobs.process import Process, ProcessKind
from engine.jobs.recipe import Recipe
from engine.jobs.recipe_checks import check_enlarged, require_not_enlarged
from engine.jobs.request import ImageRequest
from engine.jobs.requester import Requester
from engine.jobs.submission import JobSubmission, require_review
from engine.models.model import Model
from engine.models.networks import Network, NetworkCatalogue
from engine.store import JobTable

DETAIL_STRENGTH = 0.35
"""How much a part that is painted again for its details may change (0–1): its shapes stay."""


class PictureProcesses:
    """Queues work on finished pictures.

    All methods take whose picture it is and who asks, and raise `UnknownJob` when its job is gone,
    `InvalidRequest` when its file is or what is asked for isn't possible, and what
    `Studio.submit` raises.

    Attributes:
        networks: What does the work, but for repainting.
    """

    def __init__(
        self,
        submission: JobSubmission,
        jobs: JobTable,
        dispatcher: Dispatcher,
        init_images: InitImages,
        networks: NetworkCatalogue,
        find_network: Callable[[Network], Path],
    ) -> None:
        self.networks = networks
        self._submission = submission
        self._jobs = jobs
        self._dispatcher = dispatcher
        self._init_images = init_images
        self._find_network = find_network

    async def upscale(
        self, picture: Parent, factor: int, upscaler: str, requester: Requester
    ) -> Job:
        """Queue the picture to be enlarged by the upscaler of that name, by a whole factor."""
        network = self.networks.upscaler(upscaler)
        recipe = await self._recipe(picture)
        require_not_enlarged(recipe)
        recipe = replace(recipe, enlarged=factor)
        check_enlarged(recipe)
        return await self._submit(picture, recipe, requester, ProcessKind.UPSCALE, network)

    async def remove_background(self, picture: Parent, requester: Requester) -> Job:
        """Queue the picture to become transparent around its subject."""
        network = self.networks.background
        recipe = await self._recipe(picture)
        return await self._submit(picture, recipe, requester, ProcessKind.BACKGROUND, network)

    async def fix_details(
        self, picture: Parent, parts: Collection[int], model: Model, requester: Requester
    ) -> Job:
        """Queue parts of the picture to be painted again: larger, from themselves, and put back."""
        recipe = await self._recipe(picture)
        context = await self._submission.context_of(requester)
        context.models.check(model)
        context.catalogue[recipe.model]  # raises if it was removed
        self._submission.require_adapters(recipe, context)
        await self._check(recipe, requester)
        require_review(await context.words.to_review(ImageRequest.of(recipe)))
        image, size = await self._init_images.keep_whole(picture)
        region = region_of(model, size, parts, DETAIL_STRENGTH)
        process = Process(kind=ProcessKind.DETAILS, image=image, region=region)
        return await self._queue(picture, replace(recipe, process=process), requester)

    async def _recipe(self, picture: Parent) -> Recipe:
        """The recipe of that picture alone."""
        source, _ = await self._init_images.finished(picture)
        return replace(source.recipe, seed=source.recipe.seeds[picture.number], count=1)

    async def _submit(
        self,
        picture: Parent,
        recipe: Recipe,
        requester: Requester,
        kind: ProcessKind,
        network: Network,
    ) -> Job:
        await self._check(recipe, requester)
        await asyncio.to_thread(self._find_network, network)  # so that painting needn't wait for it
        image, _ = await self._init_images.keep_whole(picture)
        process = Process(kind=kind, image=image, network=network.name)
        return await self._queue(picture, replace(recipe, process=process), requester)

    async def _check(self, recipe: Recipe, requester: Requester) -> None:
        """Refuse what would be refused later, before anything is downloaded or stored."""
        context = await self._submission.context_of(requester)
        await context.words.check(ImageRequest.of(recipe))
        await self._submission.check_room([recipe], requester)

    async def _queue(self, picture: Parent, recipe: Recipe, requester: Requester) -> Job:
        async with self._submission.lock:
            await self._submission.check_room([recipe], requester)
            job = await self._jobs.add(replace(requester, parent=picture), recipe)
            self._dispatcher.push(job)
        return job
