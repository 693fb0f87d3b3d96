"""What a device is told about a job."""

from dataclasses import replace

from engine.devices.messages import Preload, ProcessPicture, RunJob
from engine.images.uploads import UploadFolder
from engine.jobs.job import Job
from engine.models.catalogue import Catalogue
from engine.models.networks import NetworkCatalogue


class JobCommands:
    """Makes commands from jobs: with the model, and the files of the pictures that it needs."""

    def __init__(
        self, catalogue: Catalogue, uploads: UploadFolder, networks: NetworkCatalogue
    ) -> None:
        self._catalogue = catalogue
        self._uploads = uploads
        self._networks = networks

    def run(self, job: Job) -> RunJob | ProcessPicture:
        """Have the job done.

        Raises:
            InvalidRequest: When its network is no longer configured.
            UnknownModel: When its model isn't.
        """
        recipe = job.recipe
        if (process := recipe.process) is not None:
            picture = self._uploads.path(process.image)
            if not process.paints:
                return ProcessPicture(job, self._networks.of(process), picture)
            job = replace(job, recipe=recipe.of_region)
            return RunJob(job, self._catalogue[recipe.model], picture, alone=job.attempts > 0)
        return RunJob(
            job,
            self._catalogue[recipe.model],
            self._uploads.path(recipe.image) if recipe.image else None,
            self._uploads.path(recipe.mask) if recipe.mask else None,
            tuple(self._uploads.path(name) for name in recipe.references),
            self._uploads.path(recipe.control.image) if recipe.control else None,
            alone=job.attempts > 0,
        )

    def preload(self, model: str) -> Preload:
        """Have a model loaded. Raises `UnknownModel`."""
        return Preload(self._catalogue[model])
