"""The rules of a house: what a scope, such as a server, has decided about its models."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Self

from engine.errors import InvalidRequest
from engine.jobs.request import ImageRequest
from engine.models.catalogue import Catalogue, Model
from engine.store import Preferences
from speech import listed, say

ALLOWED = "allowed_models"
CHOSEN = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDefaults:
    """What a scope wants of a model when a request leaves it open; `None` is the model's own."""

    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    width: int | None = None
    height: int | None = None
    scheduler: str | None = None

    @property
    def chosen(self) -> dict[str, int | float | str]:
        """Those that were decided, by their names."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    def fill(self, request: ImageRequest) -> ImageRequest:
        """The request with these where it left things open."""
        open_ones = {key: v for key, v in self.chosen.items() if getattr(request, key) is None}
        return replace(request, **open_ones)  # type: ignore[arg-type]

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """What `ServerModels` has kept; nothing kept is nothing decided."""
        kept = json.loads(text) if text else {}
        return cls(**{field.name: kept.get(field.name) for field in fields(cls)})


class ServerModels:
    """Reads and writes the rules, and applies them to requests."""

    def __init__(self, catalogue: Catalogue, preferences: Preferences) -> None:
        self._models = catalogue
        self._preferences = preferences

    async def defaults(self, scope: str, model: str) -> ModelDefaults:
        """What `scope` has decided about the model of that name."""
        return ModelDefaults.from_json(await self._preferences.get(scope, _key(model)))

    async def change_defaults(
        self, scope: str, model: str, change: Callable[[ModelDefaults], ModelDefaults]
    ) -> ModelDefaults:
        """Decide anew about a model, on top of what was decided until now; all of it then.

        Raises:
            UnknownModel: When there is no such model.
            InvalidRequest: When the model cannot paint so.
        """
        known = self._models[model]

        def changed(text: str | None) -> str:
            defaults = change(ModelDefaults.from_json(text))
            defaults.fill(ImageRequest(prompt="anything")).resolve(known)
            return json.dumps(defaults.chosen)

        return ModelDefaults.from_json(await self._preferences.change(scope, _key(model), changed))

    async def allowed(self, scope: str) -> tuple[str, ...] | None:
        """Names of the models that `scope` allows; `None` when it allows all.

        Models that are gone are left out. When all that it allowed are gone, it is left with the
        default one.
        """
        kept = json.loads(await self._preferences.get(scope, ALLOWED) or "[]")
        if not kept:
            return None
        return tuple(name for name in kept if name in self._models) or (self._models.default.name,)

    async def model_name(self, scope: str) -> str:
        """The model that requests from `scope` are painted with when they name none."""
        chosen = self._models.find(await self._preferences.get(scope, CHOSEN)).name
        allowed = await self.allowed(scope)
        return chosen if allowed is None or chosen in allowed else allowed[0]

    async def allow(self, scope: str, names: Iterable[str]) -> None:
        """Let `scope` be painted for by these models alone; without any, by all.

        Raises:
            UnknownModel: When there is none of that name.
        """
        kept = list(dict.fromkeys(self._models[name].name for name in names))
        await self._preferences.set(scope, ALLOWED, json.dumps(kept))

    async def check(self, scope: str, model: Model) -> None:
        """Raises `InvalidRequest`, with the names that would do, when `scope` forbids `model`."""
        allowed = await self.allowed(scope)
        if allowed is not None and model.name not in allowed:
            raise InvalidRequest(
                say(
                    "The model “{model}” isn't allowed here. Allowed models: {allowed}.",
                    model=model.name,
                    allowed=listed(allowed),
                )
            )

    async def apply(self, request: ImageRequest, model: Model, scope: str) -> ImageRequest:
        """The request with the defaults of `scope` where it left things open.

        Raises:
            InvalidRequest: When `scope` does not allow the model.
        """
        await self.check(scope, model)
        return (await self.defaults(scope, model.name)).fill(request)

    async def forget(self, model: str) -> None:
        """Drop what any scope has decided about a model that is there no more."""
        await self._preferences.drop(_key(model))


def _key(model: str) -> str:
    return f"defaults:{model}"
