"""The models that people may paint with, as the settings and commands name them."""

import difflib
import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from engine.errors import InvalidModel, InvalidRequest, UnknownModel
from engine.models.model import Model
from engine.models.names import check_name, free_name
from engine.settings import BUILT_IN_MODEL, ModelSettings
from speech import join_list, phrase, say

log = logging.getLogger(__name__)

SKETCH_FOLDER = Path(__file__).parent.parent / "sketch"

SKETCH = Model(
    name=BUILT_IN_MODEL,
    source=str(SKETCH_FOLDER),
    description=phrase("Built in: small flat illustrations of simple things"),
    revision=None,
    variant=None,
    dtype="auto",
    width=128,
    height=128,
    min_side=96,
    max_side=192,
    multiple_of=16,
    num_inference_steps=20,
    max_steps=150,
    guidance_scale=3.0,
    scheduler="default",
    ratios=("1:1", "3:2", "2:3"),
    family="sd",
)


class Catalogue:
    """The models by name: the built-in one, those of the settings, those added by command."""

    def __init__(
        self,
        models: Mapping[str, ModelSettings],
        default: str,
        draft: str | None = None,
        ip_adapters: Collection[str] = (),
    ) -> None:
        """Take the models of the settings.

        Args:
            models: By name.
            default: Which one paints where none was chosen.
            draft: Which one paints drafts; it may be added by command later.
            ip_adapters: The families that the settings have an IP-Adapter for.

        Raises:
            UnknownModel: When `default` is not configured.
            InvalidModel: As `Model.of` does.
        """
        self._ip_adapters = frozenset(ip_adapters)
        self._models: dict[str, Model] = {}
        self.configure(models, default, draft)

    def configure(
        self, models: Mapping[str, ModelSettings], default: str, draft: str | None
    ) -> None:
        """Have exactly these models of the settings, beside those added by command.

        Raises as the constructor does; then nothing has changed.
        """
        added = {name: one for name, one in self._models.items() if one.added}
        configured = {
            name: self._equipped(Model.of(name, settings)) for name, settings in models.items()
        }
        before, self._models = self._models, {SKETCH.name: SKETCH} | added | configured
        try:
            self.default = self[default]
        except UnknownModel:
            self._models = before
            raise
        self._draft = draft

    def add(self, name: str, settings: ModelSettings) -> Model:
        """Add a model by command; one that was added before under that name is replaced.

        Raises:
            InvalidModel: When the name is taken by the program or the settings or is no name, or
                the values do not go together.
        """
        check_name(name)
        if name in self._models and not self._models[name].added:
            raise InvalidModel(
                say("There's already a model named “{name}”. Choose another name.", name=name)
            )
        self._models[name] = model = self._equipped(Model.of(name, settings, added=True))
        return model

    def _equipped(self, model: Model) -> Model:
        """The model, with whether an IP-Adapter shows it pictures."""
        has_one = model.can_have_ip_adapter and model.family in self._ip_adapters
        return replace(model, image_prompts=has_one)

    def restore(self, added: Mapping[str, ModelSettings]) -> None:
        """Add again what was added before; the settings file may have taken a name since."""
        for name, settings in added.items():
            if name in self._models and self._models[name].added:
                continue
            try:
                self.add(name, settings)
            except InvalidModel as error:
                log.warning("The model “%s” that was added by command is left out: %s", name, error)

    def remove(self, name: str) -> Model:
        """Take out a model that was added by command, and return it. Raises as `removable`."""
        self.removable(name)
        return self._models.pop(name)

    def removable(self, name: str) -> Model:
        """The model of that name, if a command may take it out.

        Raises:
            UnknownModel: With the nearest name that exists.
            InvalidModel: When it is not for commands to remove.
        """
        model = self[name]
        if model is SKETCH:
            raise InvalidModel(say("“{name}” is built in and can't be removed.", name=name))
        if not model.added:
            raise InvalidModel(
                say(
                    "“{name}” is in the settings file. Remove [models.{name}] from it, then use "
                    "`/reload`.",
                    name=name,
                )
            )
        return model

    def suggest_name(self, source: str) -> str:
        """A name for a model from `source` that is not taken yet.

        Args:
            source: Hub id, folder or file.
        """
        return free_name(source, "model", self)

    def __getitem__(self, name: str) -> Model:
        """The model called `name`.

        Raises:
            UnknownModel: With the nearest name that exists.
        """
        try:
            return self._models[name]
        except KeyError:
            known = join_list(tuple(self._models))
            for near in difflib.get_close_matches(name, self._models, n=1):
                sentence = say(
                    "There's no model “{name}”. Did you mean “{near}”? Models: {known}.",
                    name=name,
                    near=near,
                    known=known,
                )
                raise UnknownModel(sentence) from None
            raise UnknownModel(
                say("There's no model “{name}”. Models: {known}.", name=name, known=known)
            ) from None

    @property
    def draft(self) -> Model:
        """The quick model that paints drafts.

        Raises:
            InvalidRequest: When there is none.
        """
        if self._draft is None or self._draft not in self._models:
            raise InvalidRequest(
                say(
                    "There's no quick model for drafts here, so remove --draft. The bot's owner "
                    "can set one: `draft_model` in the section `[engine]` of the settings."
                )
            )
        return self._models[self._draft]

    def find(self, name: str | None) -> Model:
        """The model called `name`, or the default one when there is none of that name."""
        return self.default if name is None else self._models.get(name, self.default)

    def __contains__(self, name: object) -> bool:
        return name in self._models

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def __len__(self) -> int:
        return len(self._models)
