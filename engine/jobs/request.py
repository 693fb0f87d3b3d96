"""A request as a person makes it: it may leave most values open.

`ImageRequest.resolve` fills them with the model's defaults, fixes the seed and checks every limit.
"""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self, TypeVar

from engine.jobs.control import Control
from engine.jobs.recipe import (
    DEFAULT_STRENGTH,
    MAX_SEED,
    AdapterUse,
    DraftOf,
    Recipe,
    nested_from,
)
from engine.jobs.recipe_checks import check_recipe
from engine.jobs.reference_uses import ReferenceUse
from engine.models.adapters import AdapterCatalogue
from engine.models.controls import ControlCatalogue
from engine.models.families import FAMILIES
from engine.models.model import Model
from engine.models.shortcuts import MIN_STEPS
from engine.prompts.grammar import without_adapters

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest:
    """What a person asks for. `None` leaves a value to the model's defaults.

    The attributes are those of `Recipe`.
    """

    prompt: str
    negative_prompt: str = ""
    model: str | None = None
    width: int | None = None
    height: int | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    seed: int | None = None
    count: int = 1
    scheduler: str | None = None
    image: str | None = None
    mask: str | None = None
    strength: float | None = None
    adapters: tuple[AdapterUse, ...] = ()
    enlarged: int = 1
    tile: bool = False
    chaos: int = 0
    references: tuple[str, ...] = ()
    draft_of: DraftOf | None = None
    control: Control | None = None
    reference_uses: tuple[ReferenceUse, ...] = ()

    @classmethod
    def of(cls, recipe: Recipe) -> Self:
        """The request that asks for what `recipe` paints.

        What was done with the picture later isn't part of it, except for plain resizing.
        """
        request = cls(**{field.name: getattr(recipe, field.name) for field in fields(cls)})
        return request if recipe.process is None else replace(request, enlarged=1)

    def to_json(self) -> dict[str, Any]:
        """The request as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The request that `to_json` wrote."""
        return cls(**value | nested_from(value))

    def resolve(
        self,
        model: Model,
        catalogue: AdapterCatalogue | None = None,
        controls: ControlCatalogue | None = None,
        *,
        quick: bool = False,
    ) -> Recipe:
        """Check the request against `model` and fill in what it leaves open.

        Args:
            model: The model to paint with. One that takes reference pictures is shown the start
                image as the first of them, and only starts from it with a mask or a strength.
            catalogue: The LoRAs that exist; those mentioned in the prompt are removed from it.
            controls: The control networks that exist.
            quick: Whether to do without some denoiser calls, if the pictures are of a kind that
                can.

        Raises:
            InvalidRequest: With a sentence that names the value and what is allowed.
        """
        prompt, mentions = without_adapters(self.prompt)
        chosen = (catalogue or AdapterCatalogue()).chosen(
            (*self.adapters, *mentions), model.family, model.name, whole=model.whole
        )
        facts = FAMILIES[model.family] if model.family else None
        image, references = self.image, self.references
        if image and facts and facts.references:
            shown = self.mask or facts.edits_only or self.strength is None
            # Where a mask leaves no room for it, others are shown in its place.
            room = not self.mask or len(references) < facts.references
            if shown and room and image not in references:
                references = (image, *references)
            if not self.mask and shown:
                image = None
        recipe = Recipe(
            prompt=prompt,
            negative_prompt=" ".join(self.negative_prompt.split()),
            model=model.name,
            width=_or(self.width, model.width),
            height=_or(self.height, model.height),
            num_inference_steps=_or(self.num_inference_steps, model.num_inference_steps),
            guidance_scale=round(_or(self.guidance_scale, model.guidance_scale), 2),
            seed=secrets.randbelow(MAX_SEED + 1) if self.seed is None else self.seed,
            count=self.count,
            scheduler=_or(self.scheduler, model.scheduler),
            image=image,
            mask=self.mask,
            strength=_or(self.strength, DEFAULT_STRENGTH) if image else 1.0,
            adapters=tuple(AdapterUse(name, round(weight, 2)) for name, weight in chosen.items()),
            enlarged=self.enlarged,
            tile=self.tile,
            chaos=self.chaos,
            references=references,
            draft_of=self.draft_of,
            control=self.control
            and (controls or ControlCatalogue()).chosen(self.control, model.family, model.name),
            reference_uses=self._uses(references) if model.image_prompts else (),
        )
        check_recipe(recipe, model)
        return replace(recipe, quick=quick and _can_be_quick(recipe, model))

    def _uses(self, references: Sequence[str]) -> tuple[ReferenceUse, ...]:
        """What each of the references is used for; all of it where nothing was said."""
        missing = len(references) - len(self.reference_uses)
        return (*self.reference_uses, *[ReferenceUse()] * missing)[: len(references)]


def _can_be_quick(recipe: Recipe, model: Model) -> bool:
    """Whether steps are the engine's own, enough of them, and without noise in the prompt."""
    return model.family is not None and recipe.steps_taken >= MIN_STEPS and not recipe.chaos


def _or(value: T | None, default: T) -> T:
    return default if value is None else value
