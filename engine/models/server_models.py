"""Reads and changes what a scope, such as a server, has decided about models."""

import json
from collections.abc import Callable, Iterable

from engine.jobs.request import ImageRequest
from engine.models.catalogue import Catalogue
from engine.models.model import Model
from engine.models.model_rules import ALLOWED, CHOSEN, ModelDefaults, ModelRules, defaults_key
from engine.store import Preferences


class ServerModels:
    """The rules of all scopes in the database."""

    def __init__(self, catalogue: Catalogue, preferences: Preferences) -> None:
        self._models = catalogue
        self._preferences = preferences

    async def rules(self, scope: str) -> ModelRules:
        """Everything that `scope` has decided about models."""
        [preferences] = await self._preferences.of(scope)
        return ModelRules(self._models, preferences)

    async def allowed(self, scope: str) -> tuple[str, ...] | None:
        """Names of the models that `scope` allows; `None` if it allows all."""
        return (await self.rules(scope)).allowed

    async def defaults(self, scope: str, model: str) -> ModelDefaults:
        """The defaults of `scope` for the model of that name."""
        return (await self.rules(scope)).defaults(model)

    async def choose(self, scope: str, model: Model) -> None:
        """Use `model` for the requests of `scope` that name none."""
        await self._preferences.set(scope, CHOSEN, model.name)

    async def allow(self, scope: str, names: Iterable[str]) -> None:
        """Allow only these models in `scope`; all of them if no name is given.

        Raises:
            UnknownModel: When a model doesn't exist.
        """
        allowed = list(dict.fromkeys(self._models[name].name for name in names))
        await self._preferences.set(scope, ALLOWED, json.dumps(allowed))

    async def change_defaults(
        self, scope: str, model: str, change: Callable[[ModelDefaults], ModelDefaults]
    ) -> ModelDefaults:
        """Store what `change` makes of the current defaults for a model, and return it.

        Raises:
            UnknownModel: When the model doesn't exist.
            InvalidRequest: When the model can't paint with these defaults.
        """
        known = self._models[model]

        def changed(text: str | None) -> str:
            defaults = change(ModelDefaults.from_json(text))
            defaults.fill(ImageRequest(prompt="anything")).resolve(known)
            return json.dumps(defaults.chosen)

        key = defaults_key(model)
        return ModelDefaults.from_json(await self._preferences.change(scope, key, changed))

    async def forget(self, model: str) -> None:
        """Delete every scope's defaults for a model that was removed."""
        await self._preferences.drop(defaults_key(model))
