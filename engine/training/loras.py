"""The LoRAs that trainings have made: they can be used at once, by those whom they belong to."""

from pathlib import Path

from engine.errors import InvalidModel
from engine.models.adapter_manager import AdapterManager
from engine.models.catalogue import Catalogue
from engine.settings import StoredAdapter
from engine.store import TrainingTable
from engine.training.training import Training, TrainingState
from speech import say


class TrainedLoras:
    """Adds the LoRAs of trainings to those that people can use."""

    def __init__(self, adapters: AdapterManager, models: Catalogue, table: TrainingTable) -> None:
        """Take the LoRAs that there are, the models to train on, and the trainings."""
        self._adapters = adapters
        self._models = models
        self._table = table

    async def check_name(self, name: str, scope: str, owner: str) -> None:
        """Raise `InvalidModel` when a LoRA has that name, or will have it, or it can't be one.

        Only those count that `owner` can use in `scope`, so that nothing is told of others: if one
        of them has the name, the LoRA gets another in the end.
        """
        self._adapters.catalogue.seen_by(scope, owner).check_new_name(name)
        if name.startswith(("-", ".")):  # an option of an outside trainer, or a hidden file
            raise InvalidModel(say("“{name}” can't begin with a hyphen or a dot.", name=name))
        settled = (TrainingState.FINISHED, TrainingState.CANCELLED)
        states = (state for state in TrainingState if state not in settled)
        for other in await self._table.in_states(*states):
            known = other.owner == owner or (other.scope == scope and not other.private)
            if known and other.name.casefold() == name.casefold():
                raise InvalidModel(
                    say("There's already a LoRA named “{name}”. Choose another name.", name=name)
                )

    async def add(self, training: Training, file: Path, step: int | None = None) -> str:
        """Have a LoRA be one that can be used; returns its name, another if that one was taken.

        Args:
            training: What made it.
            file: It.
            step: After how many steps it was kept on the way; `None` for the finished one.

        Raises:
            StorageError: When that can't be stored.
        """
        name = training.name if step is None else f"{training.name}-{step}"
        return (await self._adapters.add_own(name, self._stored(training, file))).name

    def _stored(self, training: Training, file: Path) -> StoredAdapter:
        known = training.model in self._models
        return StoredAdapter(
            source=str(file.absolute()),
            trigger=training.trigger,
            family=self._models[training.model].family if known else None,
            scope=training.scope,
            owner=training.owner if training.private else None,
        )

    async def share(self, training: Training) -> None:
        """Let everybody of its scope use the LoRAs of a training. Raises `StorageError`."""
        for adapter in self._adapters.in_folder(training.folder):
            await self._adapters.share(adapter)

    async def require_unused(self, training: Training) -> None:
        """Raise `InvalidModel` when jobs need a LoRA of a training."""
        await self._adapters.require_unused(*self._names(training))

    async def remove(self, training: Training) -> None:
        """Take out the LoRAs of a training, all or none.

        Raises:
            InvalidModel: When jobs need one.
            StorageError: When that can't be stored.
        """
        await self._adapters.remove(*self._names(training))

    def _names(self, training: Training) -> list[str]:
        return [adapter.name for adapter in self._adapters.in_folder(training.folder)]
