"""The LoRAs that people may use: those in the settings, added by command, and in a folder."""

import difflib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from engine.errors import InvalidModel, InvalidRequest, ModelUnavailable
from engine.hub.lora_files import lora_file, lora_on_disk
from engine.hub.pipeline_class import PipelineClass, lora_mixin_of
from engine.hub.tensor_headers import read_safetensors
from engine.models.families import FAMILIES
from engine.models.lora_families import is_alike, lora_family
from engine.models.names import check_name
from engine.settings import AdapterSettings
from speech import say

log = logging.getLogger(__name__)

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
        added: Whether it came by command.
        scope: Where alone it can be used; `None` for everywhere.
        owner: Who alone can use it; `None` for everybody.
    """

    name: str
    source: str
    weight: float = 1.0
    trigger: str = ""
    description: str = ""
    family: str | None = None
    added: bool = False
    scope: str | None = None
    owner: str | None = None

    def is_for(self, scope: str, owner: str) -> bool:
        """Whether `owner` can use it in `scope`: private ones everywhere, but nobody else."""
        if self.owner is not None:
            return self.owner == owner
        return self.scope in (None, scope)


class AdapterChoice(NamedTuple):
    """A LoRA as somebody typed it.

    Attributes:
        adapter: The LoRA.
        weight: The weight that was asked for; its own otherwise.
        trigger: The trigger words to add to the prompt; empty unless that was asked for.
    """

    adapter: Adapter
    weight: float
    trigger: str = ""


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
        find: Callable[[str], Adapter] | None = None,
    ) -> None:
        """Take what the settings name.

        Args:
            adapters: By name.
            folder: Where every `.safetensors` file is an adapter by its file name; it need not
                exist. What the settings name goes before a file of that name.
            find_file: Returns the file of a source; may block, and raise `ModelUnavailable`.
            find: Returns the adapter of a name in place of what is known here; may block, and raise
                `InvalidRequest`.
        """
        self._named: dict[str, Adapter] = {}
        self.configure(adapters or {})
        self._folder = folder
        self._families: dict[Path, tuple[float, str | None]] = {}
        self._find = find
        self._viewer: tuple[str, str] | None = None
        self.find_file = find_file

    def configure(self, adapters: Mapping[str, AdapterSettings]) -> None:
        """Have exactly these LoRAs of the settings, beside those added by command."""
        added = {key: one for key, one in self._named.items() if one.added}
        self._named = added | {
            name.casefold(): Adapter(name=name, **settings.model_dump())
            for name, settings in adapters.items()
        }

    def seen_by(self, scope: str, owner: str) -> "AdapterCatalogue":
        """What `owner` can use in `scope` now: without the LoRAs of others.

        Whoever has no scope, as the command line, sees all.
        """
        view = copy(self)
        view._viewer = (scope, owner) if scope else None
        return view

    def with_files_from(
        self, find_file: Callable[[str], Path], find: Callable[[str], Adapter] | None = None
    ) -> "AdapterCatalogue":
        """The same adapters, their files found in another way, and they themselves by `find`."""
        other = AdapterCatalogue(None, self._folder, find_file, find)
        other._named = dict(self._named)
        return other

    def add(self, name: str, settings: AdapterSettings) -> Adapter:
        """Add a LoRA by command. Raises `InvalidModel` when the name is taken or isn't one."""
        self.check_new_name(name)
        return self._keep(name, settings)

    def _keep(self, name: str, settings: AdapterSettings) -> Adapter:
        adapter = Adapter(name=name, added=True, **settings.model_dump())
        self._named[name.casefold()] = adapter
        return adapter

    def restore(self, added: Mapping[str, AdapterSettings]) -> None:
        """Have exactly these as added ones; the settings file may have taken a name since."""
        self._named = {key: one for key, one in self._named.items() if not one.added}
        for name, settings in added.items():
            if name.casefold() in self._named:
                log.warning("The LoRA “%s” that was added is left out: its name is taken", name)
            else:
                self._keep(name, settings)

    def remove(self, name: str) -> Adapter:
        """Take out a LoRA that was added by command, and return it. Raises as `removable`."""
        return self._named.pop(self.removable(name).name.casefold())

    def removable(self, name: str) -> Adapter:
        """The adapter of that name, if a command may take it out.

        Raises:
            InvalidRequest: With the nearest name that exists.
            InvalidModel: When it isn't for commands to remove.
        """
        adapter = self[name]
        if adapter.added:
            return adapter
        if adapter.name.casefold() in self._named:
            raise InvalidModel(
                say(
                    "The LoRA “{name}” is in the settings file. Remove [adapters.{name}] from it, "
                    "then use `/reload`.",
                    name=adapter.name,
                )
            )
        raise InvalidModel(
            say(
                "The LoRA “{name}” is a file in the folder of LoRAs. Remove the file instead.",
                name=adapter.name,
            )
        )

    def check_new_name(self, name: str) -> None:
        """Raise `InvalidModel` when a new LoRA can't have that name."""
        check_name(name)
        if name.casefold() in self._all():
            raise InvalidModel(
                say("There's already a LoRA named “{name}”. Choose another name.", name=name)
            )

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.casefold() in self._all()

    def family_of(self, adapter: Adapter) -> str | None:
        """The family that an adapter is for: as is said of it, or as its file on disk shows.

        Reads the file's header, once.
        """
        if adapter.family is not None:
            return adapter.family
        try:
            file = lora_on_disk(adapter.source)
            changed = file.stat().st_mtime if file else 0.0
            if file is None or self._families.get(file, (None, None))[0] == changed:
                return self._families[file][1] if file else None
            family = lora_family(read_safetensors(file))
        except (ModelUnavailable, OSError):
            return None
        self._families[file] = changed, family
        return family

    def __iter__(self) -> Iterator[Adapter]:
        """Every adapter, in the order of their names."""
        return iter(sorted(self._all().values(), key=lambda adapter: adapter.name.casefold()))

    def __getitem__(self, name: str) -> Adapter:
        """The adapter called `name`.

        Raises:
            InvalidRequest: With the nearest name that exists, and whoever asks may know of.
        """
        if self._find is not None:
            return self._find(name)
        adapters = self._all()
        if (found := adapters.get(name.casefold())) is not None:
            return found
        if not adapters:
            raise InvalidRequest(
                say("There's no LoRA “{name}”. None have been set up here.", name=name)
            )
        known = [
            key
            for key, one in adapters.items()
            if self._viewer is not None or (one.scope is None and one.owner is None)
        ]
        for near in difflib.get_close_matches(name.casefold(), known, n=1):
            raise InvalidRequest(
                say(
                    "There's no LoRA “{name}”. Did you mean “{near}”?",
                    name=name,
                    near=adapters[near].name,
                )
            )
        raise InvalidRequest(say("There's no LoRA “{name}”.", name=name))

    def choose(self, text: str) -> AdapterChoice:
        """The LoRA that `text` names: `fox`, `fox:0.8`, or `fox+` with its trigger words.

        Raises:
            InvalidRequest: When there is none of that name, or its weight isn't a number.
        """
        name, weight, plus = text.strip(), None, False
        if name not in self:
            name, plus = name.removesuffix("+"), name.endswith("+")
        if name not in self and ":" in name:
            name, _, weight = name.rpartition(":")
            name = name.strip()
        if name not in self and name.endswith("+"):
            name, plus = name.removesuffix("+"), True
        adapter = self[name.strip()]
        try:
            number = adapter.weight if weight is None else float(weight)
        except ValueError:
            raise InvalidRequest(
                say(
                    "“{weight}” isn't a valid weight for {name}. Write it like {name}:0.8.",
                    weight=(weight or "").strip(),
                    name=name.strip(),
                )
            ) from None
        return AdapterChoice(adapter, number, adapter.trigger if plus else "")

    def file_of(self, adapter: Adapter) -> Path:
        """The file of an adapter; may block. Raises `ModelUnavailable`."""
        return self.find_file(adapter.source)

    def _all(self) -> dict[str, Adapter]:
        files = sorted(self._folder.glob(f"*{ENDING}")) if self._folder is not None else []
        found = {
            file.stem.casefold(): Adapter(name=file.stem, source=str(file.absolute()))
            for file in files
        }
        found |= self._named
        if self._viewer is None:
            return found
        return {key: adapter for key, adapter in found.items() if adapter.is_for(*self._viewer)}

    def matching(self, text: str, family: str | None) -> list[Adapter]:
        """What to offer somebody who has typed `text`: names that begin with it come first.

        Args:
            text: The beginning, or any part, of a name, a description or a trigger.
            family: The family of the model; adapters that are said to be for one whose LoRAs don't
                fit it are left out. With `None`, all are offered.
        """
        wanted = text.strip().casefold()

        def rank(adapter: Adapter) -> int:
            name = adapter.name.casefold()
            about = f"{adapter.description} {adapter.trigger}".casefold()
            return [name.startswith(wanted), wanted in name, wanted in about, True].index(True)

        def fits(adapter: Adapter) -> bool:
            other = adapter.family
            return family is None or other is None or is_alike(other, family)

        fitting = (adapter for adapter in self if fits(adapter) and rank(adapter) < 3)
        return sorted(fitting, key=rank)

    def chosen(
        self,
        asked: Iterable[tuple[str, float | None]],
        family: str | None,
        model: str,
        *,
        whole: PipelineClass | None = None,
    ) -> dict[str, float]:
        """The weights of the adapters asked for, by name; the last word on each counts.

        Args:
            asked: Names, each with a weight or with `None` for the adapter's own.
            family: The family of the model.
            model: Its name.
            whole: What its pipeline takes, if it runs whole and that is known.

        Raises:
            InvalidRequest: When there is no such adapter, it is for another family, or the model
                takes none.
        """
        weights: dict[str, float] = {}
        for name, weight in asked:
            adapter = self[name]
            if whole is not None:
                self._require_fit(adapter, whole, model)
            other = self.family_of(adapter) if family is not None else None
            if family is not None and other is not None and not is_alike(other, family):
                raise InvalidRequest(
                    say(
                        "The LoRA “{lora}” is for {other} models, but {model} is a {family} model.",
                        lora=adapter.name,
                        other=FAMILIES[other].label,
                        model=model,
                        family=FAMILIES[family].label,
                    )
                )
            weights[adapter.name] = adapter.weight if weight is None else weight
        return {name: weight for name, weight in weights.items() if weight}

    def _require_fit(self, adapter: Adapter, whole: PipelineClass, model: str) -> None:
        """Raise `InvalidRequest` if a pipeline that runs whole can't load that LoRA.

        Families that Diffusers loads LoRAs for in the same way share a mixin.
        """
        if whole.lora_mixin is None:
            raise InvalidRequest(say("{model} doesn't support LoRAs. Remove them.", model=model))
        if (other := self.family_of(adapter)) is None:
            return
        family = FAMILIES[other]
        if lora_mixin_of(family.pipelines[0]) != whole.lora_mixin:
            raise InvalidRequest(
                say(
                    "The LoRA “{lora}” is for {other} models, but {model} is a {family} model.",
                    lora=adapter.name,
                    other=family.label,
                    model=model,
                    family=whole.name,
                )
            )
