"""What to paint: the request as a person makes it, and the recipe that it becomes.

An `ImageRequest` may leave most values open. `ImageRequest.resolve` fills them with the model's
defaults, fixes the seed and checks every limit. The `Recipe` determines the pictures completely,
so a job that is painted again after a crash gives the same ones.
"""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple, Self, TypeVar

from engine.errors import InvalidRequest
from engine.models.adapters import AdapterCatalogue
from engine.models.catalogue import Model
from engine.models.families import FAMILIES
from engine.models.schedulers import SCHEDULERS, allowed_schedulers
from engine.prompts.grammar import without_adapters
from engine.settings import MAX_ADAPTER_WEIGHT
from speech import join_list, phrase, say, say_many

T = TypeVar("T")

MAX_SEED = 2**32 - 1
MAX_PROMPT = 2000
MAX_STEPS = 150
MAX_GUIDANCE = 30.0
MAX_COUNT = 4
MAX_CHAOS = 100

MAX_ADAPTERS = 8
DEFAULT_STRENGTH = 0.6

KEEPING_STRENGTH = 0.5
"""Up to this strength a picture keeps the composition of its start image, and so may be larger than
what its model can compose: that is how pictures are upscaled."""

MAX_ENLARGED_PIXELS = 36_000_000
"""Pixels of a picture that is enlarged by resizing."""


class AdapterUse(NamedTuple):
    """A LoRA by its name in the settings, and its weight; 1 is as it was trained."""

    name: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that determines the pictures of a job.

    Attributes:
        prompt: What the picture shows.
        negative_prompt: What guidance steers away from.
        model: Name of the model, as configured.
        width: Pixels.
        height: Pixels.
        num_inference_steps: Denoising steps.
        guidance_scale: Weight of classifier-free guidance; at 1 and below it is off.
        seed: Seed of the first picture; picture `i` is painted from `seed + i`.
        count: How many pictures.
        scheduler: One of `engine.models.schedulers.SCHEDULERS`.
        image: Name of the stored upload to start from (img2img).
        mask: Name of the stored upload whose white parts are repainted; only with an image.
        strength: How much the start image changes, above 0 to 1; 1 without an image.
        adapters: The LoRAs to apply, in any order.
        enlarged: How many times as wide and high the finished picture is made by resizing.
        tile: Whether opposite edges of the picture match, so that it can be tiled.
        chaos: How much the composition varies from the prompt, 0 to 100.
    """

    prompt: str
    negative_prompt: str
    model: str
    width: int
    height: int
    num_inference_steps: int
    guidance_scale: float
    seed: int
    count: int
    scheduler: str
    image: str | None = None
    mask: str | None = None
    strength: float = 1.0
    adapters: tuple[AdapterUse, ...] = ()
    enlarged: int = 1
    tile: bool = False
    chaos: int = 0

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each picture."""
        return tuple((self.seed + i) & MAX_SEED for i in range(self.count))

    def to_json(self) -> dict[str, Any]:
        """The recipe as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The recipe that `to_json` wrote.

        Raises:
            ValueError: When a value isn't of its kind, or this version doesn't know it.
            TypeError: When a value is missing, or this version doesn't know it.
        """
        adapters = tuple(AdapterUse(*use) for use in value.get("adapters", ()))
        recipe = cls(**value | {"adapters": adapters})
        _check_stored(recipe)
        return recipe


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

    @classmethod
    def of(cls, recipe: Recipe) -> Self:
        """The request that asks for exactly `recipe`."""
        return cls(**{field.name: getattr(recipe, field.name) for field in fields(cls)})

    def to_json(self) -> dict[str, Any]:
        """The request as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The request that `to_json` wrote."""
        adapters = tuple(AdapterUse(*use) for use in value["adapters"])
        return cls(**value | {"adapters": adapters})

    def resolve(self, model: Model, catalogue: AdapterCatalogue | None = None) -> Recipe:
        """Check the request against `model` and fill in what it leaves open.

        Args:
            model: The model to paint with.
            catalogue: The LoRAs that exist; those mentioned in the prompt are removed from it.

        Raises:
            InvalidRequest: With a sentence that names the value and what is allowed.
        """
        prompt, mentions = without_adapters(self.prompt)
        chosen = (catalogue or AdapterCatalogue()).chosen(
            (*self.adapters, *mentions), model.family, model.name
        )
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
            image=self.image,
            mask=self.mask,
            strength=_or(self.strength, DEFAULT_STRENGTH) if self.image else 1.0,
            adapters=tuple(AdapterUse(name, round(weight, 2)) for name, weight in chosen.items()),
            enlarged=self.enlarged,
            tile=self.tile,
            chaos=self.chaos,
        )
        _check(recipe, model)
        return recipe


KINDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("prompt", "negative_prompt", "model", "scheduler"), (str,)),
    **dict.fromkeys(("image", "mask"), (str, type(None))),
    **dict.fromkeys(("width", "height", "num_inference_steps", "seed", "count"), (int,)),
    **dict.fromkeys(("enlarged", "chaos"), (int,)),
    **dict.fromkeys(("guidance_scale", "strength"), (int, float)),
    "tile": (bool,),
}
"""The fields of a stored recipe, and the types that they may have."""


def _check_stored(recipe: Recipe) -> None:
    """Raise `ValueError` unless the values of a stored recipe are of their kinds."""
    for name, kinds in KINDS.items():
        if not isinstance(getattr(recipe, name), kinds):
            raise ValueError(f"{name} isn't of its kind")
    weights = [weight for name, weight in recipe.adapters if isinstance(name, str)]
    numbers = (recipe.guidance_scale, recipe.strength, *weights)
    if len(weights) != len(recipe.adapters) or not all(abs(number) < 1e6 for number in numbers):
        raise ValueError("adapters, guidance or strength")
    if not 1 <= recipe.count <= MAX_COUNT or min(recipe.width, recipe.height) < 1:
        raise ValueError("count or size")
    if recipe.scheduler not in SCHEDULERS:
        raise ValueError(f"no scheduler {recipe.scheduler}")


def _or(value: T | None, default: T) -> T:
    return default if value is None else value


def check_length(prompt: str, negative_prompt: str, most: int = 2 * MAX_PROMPT) -> None:
    """Raise `InvalidRequest` when a text is longer than a prompt with its LoRAs may be.

    This is cheap, so it comes before anything that reads the texts.
    """
    for name, text in (
        (phrase("prompt"), prompt),
        (phrase("negative prompt"), negative_prompt),
    ):
        if len(text) > most:
            raise InvalidRequest(
                say(
                    "The {name} has {length} characters; the limit is {most}.",
                    name=say(name),
                    length=len(text),
                    most=MAX_PROMPT,
                )
            )


def _check(recipe: Recipe, model: Model) -> None:
    if not recipe.prompt:
        raise InvalidRequest(say("The prompt is empty. Say what the picture should show."))
    check_length(recipe.prompt, recipe.negative_prompt, MAX_PROMPT)
    keeps_composition = recipe.image is not None and recipe.strength <= KEEPING_STRENGTH
    max_side = model.max_upscaled_side if keeps_composition else model.max_side
    for side, pixels in ((phrase("width"), recipe.width), (phrase("height"), recipe.height)):
        if not model.min_side <= pixels <= max_side:
            raise InvalidRequest(
                say_many(
                    "The {side} is {number} pixel, but {model} paints {least} to {most}.",
                    "The {side} is {number} pixels, but {model} paints {least} to {most}.",
                    pixels,
                    side=say(side),
                    model=model.name,
                    least=model.min_side,
                    most=max_side,
                )
            )
        if pixels % model.multiple_of:
            low = max(pixels // model.multiple_of, -(-model.min_side // model.multiple_of))
            raise InvalidRequest(
                say_many(
                    "The {side} is {number} pixel, but must be a multiple of {multiple}, such "
                    "as {example}.",
                    "The {side} is {number} pixels, but must be a multiple of {multiple}, such "
                    "as {example}.",
                    pixels,
                    side=say(side),
                    multiple=model.multiple_of,
                    example=low * model.multiple_of,
                )
            )
    _within(say("guidance"), recipe.guidance_scale, 0.0, MAX_GUIDANCE)
    if recipe.mask and not recipe.image:
        raise InvalidRequest(say("A mask needs a picture. Add the one it belongs to."))
    _within(say("strength"), recipe.strength, 0.05, 1.0)
    if len(recipe.adapters) > MAX_ADAPTERS:
        raise InvalidRequest(
            say(
                "That's {count} LoRAs; the limit is {most}.",
                count=len(recipe.adapters),
                most=MAX_ADAPTERS,
            )
        )
    for adapter in recipe.adapters:
        what = say("weight of {lora}", lora=adapter.name)
        _within(what, adapter.weight, -MAX_ADAPTER_WEIGHT, MAX_ADAPTER_WEIGHT)
    _within(say("seed"), recipe.seed, 0, MAX_SEED)
    _within(say("number of pictures"), recipe.count, 1, MAX_COUNT)
    check_enlarged(recipe)
    _check_variations(recipe, model)
    fitting = allowed_schedulers(model.family)
    if recipe.scheduler not in SCHEDULERS:
        raise InvalidRequest(
            say(
                "There's no scheduler “{scheduler}”. Available: {known}.",
                scheduler=recipe.scheduler,
                known=join_list(sorted(fitting)),
            )
        )
    if recipe.scheduler not in fitting:
        raise InvalidRequest(
            say(
                "The scheduler “{scheduler}” doesn't work with {model}. Available: {fitting}.",
                scheduler=recipe.scheduler,
                model=model.name,
                fitting=join_list(sorted(fitting)),
            )
        )
    most = min(model.max_steps, SCHEDULERS[recipe.scheduler].max_steps)
    _within(say("number of steps"), recipe.num_inference_steps, 1, most)


def _check_variations(recipe: Recipe, model: Model) -> None:
    """Raise `InvalidRequest` when the model can't paint tiles or vary with chaos."""
    _within(say("chaos"), recipe.chaos, 0, MAX_CHAOS)
    if recipe.tile and not (model.family and FAMILIES[model.family].seamless):
        raise InvalidRequest(
            say(
                "{model} can't paint seamless tiles. Remove --tile, or use a Stable Diffusion "
                "or Stable Diffusion XL model.",
                model=model.name,
            )
        )
    if recipe.chaos and model.family is None:
        raise InvalidRequest(say("{model} can't use --chaos. Remove it.", model=model.name))


def check_enlarged(recipe: Recipe) -> None:
    """Raise `InvalidRequest` when the enlarged picture would be too large."""
    if recipe.width * recipe.height * recipe.enlarged**2 > MAX_ENLARGED_PIXELS:
        raise InvalidRequest(
            say(
                "Enlarged {factor}×, the picture would exceed {most} million pixels. Use a "
                "smaller factor.",
                factor=recipe.enlarged,
                most=MAX_ENLARGED_PIXELS // 10**6,
            )
        )


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also refuses NaN
        raise InvalidRequest(
            say(
                "The {what} must be between {low} and {high}, not {value}.",
                what=name,
                value=value,
                low=low,
                high=high,
            )
        )
