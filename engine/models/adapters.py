"""The LoRAs that people may add to a model: those in the settings, and files in a folder."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import InvalidRequest
from engine.hub.lora_files import lora_file
from engine.models.families import FAMILIES
from engine.settings import AdapterSettings
from speech import say

ENDING = ".safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One LoRA.

    Attributes:
        name: What people call it.
        source: A file, a folder, a Hub id, or a file on the Hub as owner/name/file.
        weight: How much of it, without asking; 1 is as it was trained.
        trigger: Words that it was trained to answer to.
        description: A line for lists.
        family: The family in `FAMILIES` that it is for; `None` if not given.
    """

    name: str
    source: str
    weight: float = 1.0
    trigger: str = ""
    description: str = ""
    family: str | None = None


class AdapterCatalogue:
    """All adapters by name, whatever the case; a file that is put in the folder is one at once.

    Attributes:
        find_file: Returns the file of a source; may block, and raise `ModelUnavailable`.
    """

    def __init__(
        self,
        adapters: Mapping[str, AdapterSettings] | None = None,
        folder: Path | None = None,
        find_file: Callable[[str], Path] = lora_file,
    ) -> None:
        """Take what the settings name.

        Args:
            adapters: By name.
            folder: Where every `.safetensors` file is an adapter by its file name; it need not
                exist. What the settings name goes before a file of that name.
            find_file: Returns the file of a source; may block, and raise `ModelUnavailable`.
        """
        self._named = {
            name.casefold(): Adapter(name=name, **settings.model_dump())
            for name, settings in (adapters or {}).items()
        }
        self._folder = folder
        self.find_file = find_file

    def with_files_from(self, find_file: Callable[[str], Path]) -> "AdapterCatalogue":
        """The same adapters, their files found in another way."""
        other = AdapterCatalogue(None, self._folder, find_file)
        other._named = self._named
        return other

    def __iter__(self) -> Iterator[Adapter]:
        """Every adapter, in the order of their names."""
        return iter(sorted(self._all().values(), key=lambda adapter: adapter.name.casefold()))

    def __getitem__(self, name: str) -> Adapter:
        """The adapter called `name`.

        Raises:
            InvalidRequest: With the nearest name that exists.
        """
        adapters = self._all()
        if (found := adapters.get(name.casefold())) is not None:
            return found
        if not adapters:
            raise InvalidRequest(
                say("There's no LoRA “{name}”. None have been set up here.", name=name)
            )
        for near in difflib.get_close_matches(name.casefold(), adapters, n=1):
            raise InvalidRequest(
                say(
                    "There's no LoRA “{name}”. Did you mean “{near}”?",
                    name=name,
                    near=adapters[near].name,
                )
            )
        raise InvalidRequest(say("There's no LoRA “{name}”.", name=name))

    def file_of(self, adapter: Adapter) -> Path:
        """The file of an adapter; may block. Raises `ModelUnavailable`."""
        return self.find_file(adapter.source)

    def _all(self) -> dict[str, Adapter]:
        files = sorted(self._folder.glob(f"*{ENDING}")) if self._folder is not None else []
        found = {
            file.stem.casefold(): Adapter(name=file.stem, source=str(file.absolute()))
            for file in files
        }
        return found | self._named

    def matching(self, text: str, family: str | None, limit: int) -> list[Adapter]:
        """What to offer somebody who has typed `text`: names that begin with it come first.

        Args:
            text: The beginning, or any part, of a name, a description or a trigger.
            family: The family of the model; adapters that are said to be for another are left out.
            limit: The most that can be shown.
        """
        wanted = text.strip().casefold()

        def rank(adapter: Adapter) -> int:
            name = adapter.name.casefold()
            about = f"{adapter.description} {adapter.trigger}".casefold()
            return [name.startswith(wanted), wanted in name, wanted in about, True].index(True)

        fitting = [adapter for adapter in self if adapter.family in (None, family)]
        ranked = sorted((adapter for adapter in fitting if rank(adapter) < 3), key=rank)
        return ranked[:limit]

    def chosen(
        self, asked: Iterable[tuple[str, float | None]], family: str | None, model: str
    ) -> dict[str, float]:
        """The weights of the adapters asked for, by name; the last word on each counts.

        Args:
            asked: Names, each with a weight or with `None` for the adapter's own.
            family: The family of the model.
            model: Its name.

        Raises:
            InvalidRequest: When there is no such adapter, or it is for another family.
        """
        weights: dict[str, float] = {}
        for name, weight in asked:
            adapter = self[name]
            if family is not None and adapter.family not in (None, family):
                raise InvalidRequest(
                    say(
                        "The LoRA “{lora}” is for {other} models, but {model} is a {family} model.",
                        lora=adapter.name,
                        other=FAMILIES[adapter.family].label,
                        model=model,
                        family=FAMILIES[family].label,
                    )
                )
            weights[adapter.name] = adapter.weight if weight is None else weight
        return {name: weight for name, weight in weights.items() if weight}
