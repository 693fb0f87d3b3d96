"""What a scope, such as a server, has decided about models, as values that requests are held to."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from engine.errors import InvalidRequest
from engine.jobs.recipe import DraftOf, Recipe
from engine.jobs.request import ImageRequest
from engine.models.catalogue import Catalogue
from engine.models.model import Model
from engine.stored_json import load_stored
from speech import join_list, say

SAME_SHAPE = 0.03
"""Shapes that differ less count as the same: sides are multiples of some pixels."""

ALLOWED = "allowed_models"
CHOSEN = "model"
"""The preferences that hold the allowed models and the chosen one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDefaults:
    """A scope's defaults for a model; `None` leaves a value to the model's own default."""

    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    width: int | None = None
    height: int | None = None
    scheduler: str | None = None

    @property
    def chosen(self) -> dict[str, int | float | str]:
        """The values that are set, by their names."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    def fill(self, request: ImageRequest) -> ImageRequest:
        """The request with these values where it leaves them open."""
        missing = {key: v for key, v in self.chosen.items() if getattr(request, key) is None}
        return replace(request, **missing)  # type: ignore[arg-type]

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """The defaults as they are stored; none stored means none set."""
        empty: dict[str, Any] = {}
        stored, _ = load_stored(text, empty, "defaults for a model")
        values = {field.name: stored.get(field.name) for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if _fits(name, value)})


def _fits(name: str, value: Any) -> bool:
    """Whether a stored value is of the kind of that default."""
    if isinstance(value, bool):
        return False
    match name:
        case "scheduler":
            return isinstance(value, str)
        case "guidance_scale":
            return isinstance(value, int | float)
        case _:
            return isinstance(value, int)


@dataclass(frozen=True, slots=True)
class ModelRules:
    """The models that a scope allows, the one it uses, and its defaults for each.

    Attributes:
        catalogue: All models.
        preferences: The preferences of the scope.
    """

    catalogue: Catalogue
    preferences: Mapping[str, str]

    @property
    def allowed(self) -> tuple[str, ...] | None:
        """Names of the allowed models; `None` if all are allowed.

        Models that were removed are left out. If all of them were, the default one is allowed.
        """
        empty: list[Any] = []
        names, intact = load_stored(self.preferences.get(ALLOWED), empty, "list of allowed models")
        if not intact:
            return (self.catalogue.default.name,)
        if not names:
            return None
        known = tuple(name for name in names if isinstance(name, str) and name in self.catalogue)
        return known or (self.catalogue.default.name,)

    @property
    def model(self) -> Model:
        """The model for requests that name none."""
        chosen = self.catalogue.find(self.preferences.get(CHOSEN))
        allowed = self.allowed
        return chosen if allowed is None or chosen.name in allowed else self.catalogue[allowed[0]]

    def defaults(self, model: str) -> ModelDefaults:
        """The defaults for the model of that name."""
        return ModelDefaults.from_json(self.preferences.get(defaults_key(model)))

    def check(self, model: Model) -> None:
        """Raise `InvalidRequest`, with the names of allowed models, unless `model` is allowed."""
        allowed = self.allowed
        if allowed is not None and model.name not in allowed:
            raise InvalidRequest(
                say(
                    "The model “{model}” isn't allowed here. Allowed models: {allowed}.",
                    model=model.name,
                    allowed=join_list(allowed),
                )
            )

    def apply(self, request: ImageRequest) -> tuple[ImageRequest, Model]:
        """The request with the scope's defaults where it leaves values open, and its model.

        Raises:
            UnknownModel: When the request names a model that doesn't exist.
            InvalidRequest: When its model isn't allowed.
        """
        model = self.catalogue[request.model] if request.model else self.model
        self.check(model)
        return self.defaults(model.name).fill(request), model

    def drafted(self, request: ImageRequest, model: Model) -> ImageRequest:
        """The request for a draft: painted by the quick model, with what was asked of `model`.

        Raises:
            InvalidRequest: When there is no quick model, or one of the two isn't allowed.
        """
        quick = self.catalogue.draft
        self.check(model)
        self.check(quick)
        if quick.name == model.name:
            return request
        draft_of = DraftOf(
            model=model.name,
            num_inference_steps=request.num_inference_steps,
            guidance_scale=request.guidance_scale,
            scheduler=request.scheduler,
            width=request.width,
            height=request.height,
        )
        width, height = _same_shape(quick, request.width, request.height, model)
        return replace(
            request,
            model=quick.name,
            num_inference_steps=None,
            guidance_scale=None,
            scheduler=None,
            width=width,
            height=height,
            draft_of=draft_of,
        )

    def properly(self, recipe: Recipe) -> ImageRequest:
        """The request for what the draft `recipe` was painted for: the same seed and prompt.

        Raises:
            UnknownModel: When its model was removed.
            InvalidRequest: When its model isn't allowed, or it isn't a draft.
        """
        draft_of = recipe.draft_of
        if draft_of is None:
            raise InvalidRequest(say("This picture isn't a draft."))
        model = self.catalogue[draft_of.model]
        self.check(model)
        width, height = draft_of.width, draft_of.height
        if width is None or height is None:
            quick = self.catalogue.find(recipe.model)
            width, height = _same_shape(model, recipe.width, recipe.height, quick)
        return replace(
            ImageRequest.of(recipe),
            model=model.name,
            num_inference_steps=draft_of.num_inference_steps,
            guidance_scale=draft_of.guidance_scale,
            scheduler=draft_of.scheduler,
            width=width,
            height=height,
            draft_of=None,
        )


def _same_shape(
    model: Model, width: int | None, height: int | None, other: Model
) -> tuple[int | None, int | None]:
    """The size at which `model` paints the shape of what `other` paints at that size.

    `None`s stand for the default size, and are returned if both models' have the same shape.
    """
    shape = (width or other.width) / (height or other.height)
    if abs(shape / (model.width / model.height) - 1) < SAME_SHAPE:
        return None, None
    return model.sides(shape)


def defaults_key(model: str) -> str:
    """The preference that holds the defaults for a model."""
    return f"defaults:{model}"
