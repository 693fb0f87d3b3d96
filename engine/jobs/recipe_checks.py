"""What models and limits allow of a recipe."""

from engine.errors import InvalidRequest
from engine.jobs.recipe import (
    KEEPING_STRENGTH,
    MAX_ADAPTERS,
    MAX_CHAOS,
    MAX_COUNT,
    MAX_ENLARGED_PIXELS,
    MAX_GUIDANCE,
    MAX_PROMPT,
    MAX_SEED,
    Recipe,
)
from engine.models.families import FAMILIES
from engine.models.model import Model
from engine.models.references import require_references
from engine.models.schedulers import SCHEDULERS, allowed_schedulers
from engine.settings import MAX_ADAPTER_WEIGHT
from speech import join_list, phrase, say, say_many


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


def check_recipe(recipe: Recipe, model: Model) -> None:
    """Raise `InvalidRequest` when the model can't paint that, with what is allowed."""
    if not any(character.isprintable() and character != " " for character in recipe.prompt):
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
    within(say("guidance"), recipe.guidance_scale, 0.0, MAX_GUIDANCE)
    if recipe.mask and not recipe.image:
        raise InvalidRequest(say("A mask needs a picture. Add the one it belongs to."))
    within(say("strength"), recipe.strength, 0.05, 1.0)
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
        within(what, adapter.weight, -MAX_ADAPTER_WEIGHT, MAX_ADAPTER_WEIGHT)
    within(say("seed"), recipe.seed, 0, MAX_SEED)
    within(say("number of pictures"), recipe.count, 1, MAX_COUNT)
    check_enlarged(recipe)
    if recipe.references:
        require_references(model, len(recipe.references))
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
    within(say("number of steps"), recipe.num_inference_steps, 1, most)


def _check_variations(recipe: Recipe, model: Model) -> None:
    """Raise `InvalidRequest` when the model can't paint tiles or vary with chaos."""
    within(say("chaos"), recipe.chaos, 0, MAX_CHAOS)
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


def check_complete(recipe: Recipe, model: Model) -> None:
    """Raise `InvalidRequest` when the model needs a picture to edit and there is none."""
    if model.family and FAMILIES[model.family].edits_only and not recipe.references:
        raise InvalidRequest(
            say(
                "{model} only edits pictures. Use `/edit` with a picture, or choose another model.",
                model=model.name,
            )
        )


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


def require_not_enlarged(recipe: Recipe) -> None:
    """Raise `InvalidRequest` for a picture that was already enlarged."""
    if recipe.enlarged > 1:
        raise InvalidRequest(say("This picture is already enlarged. Enlarge the original instead."))


def within(name: str, value: float, low: float, high: float) -> None:
    """Raise `InvalidRequest` when a value is out of bounds, or isn't a number."""
    if not low <= value <= high:  # also refuses NaN
        raise InvalidRequest(
            say(
                "The {what} must be between {low} and {high}, not {value}.",
                what=name,
                value=_text(value),
                low=_text(low),
                high=_text(high),
            )
        )


def _text(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
