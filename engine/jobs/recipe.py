"""The recipe of a job: everything that determines its pictures.

It determines them completely, so a job that is painted again after a crash gives the same ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple, Self

from engine.jobs.control import Control
from engine.jobs.process import Process
from engine.jobs.reference_uses import ReferenceUse
from engine.models.schedulers import SCHEDULERS

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


class DraftOf(NamedTuple):
    """What was asked of a model for which another one paints a draft; `None` is its default."""

    model: str
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    scheduler: str | None = None
    width: int | None = None
    height: int | None = None

    @classmethod
    def from_json(cls, value: Sequence[Any]) -> Self:
        """What was stored. Raises `ValueError` or `TypeError` when it isn't that."""
        draft_of = cls(*value)
        whole = (draft_of.num_inference_steps, draft_of.width, draft_of.height)
        good = (
            isinstance(draft_of.model, str)
            and isinstance(draft_of.scheduler, str | None)
            and isinstance(draft_of.guidance_scale, int | float | None)
            and abs(draft_of.guidance_scale or 0) < 1e6
            and all(isinstance(number, int | None) for number in whole)
        )
        if not good:
            raise ValueError("draft_of")
        return draft_of


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
        references: Names of the stored uploads that the model is shown beside the prompt, in the
            order in which the prompt counts them.
        draft_of: What was asked of the model that this one paints a quick draft for.
        process: What is done with a finished picture; `None` if the picture is painted.
        quick: Whether it does without some denoiser calls, see `engine.models.shortcuts`, which
            changes the pictures slightly; decided by the owner's settings.
        control: What the picture is painted along, such as a pose.
        reference_uses: What each reference is used for, for a model that is shown them by an
            IP-Adapter; empty for one that sees them beside the prompt.
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
    references: tuple[str, ...] = ()
    draft_of: DraftOf | None = None
    process: Process | None = None
    quick: bool = False
    control: Control | None = None
    reference_uses: tuple[ReferenceUse, ...] = ()

    @property
    def pictures_beside(self) -> int:
        """References that lie beside the picture at every step; those of an IP-Adapter don't."""
        return 0 if self.reference_uses else len(self.references)

    @property
    def model_needed(self) -> str | None:
        """The model that paints; `None` if the work is that of another network."""
        return self.model if self.process is None or self.process.paints else None

    @property
    def of_region(self) -> "Recipe":
        """What is painted of a picture whose region is painted again: a picture of its own."""
        region = self.process and self.process.region
        assert region, "only a picture with a region has one"
        return replace(
            self,
            width=region.width,
            height=region.height,
            image=self.process.image if self.process else None,
            mask=None,
            strength=region.strength,
            tile=False,
            control=None,
        )

    @property
    def steps_taken(self) -> int:
        """Denoising steps of each picture; a start image leaves out some."""
        return max(1, int(self.num_inference_steps * self.strength))

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
        process = value.get("process")
        nested = nested_from(value) | {"process": process and Process.from_json(process)}
        recipe = cls(**value | nested)
        _check_stored(recipe)
        return recipe


def nested_from(value: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a stored recipe or request that have parts of their own.

    Raises:
        ValueError: As `Recipe.from_json`.
        TypeError: The same.
    """
    draft_of, control = value.get("draft_of"), value.get("control")
    return {
        "adapters": tuple(AdapterUse(*use) for use in value.get("adapters", ())),
        "references": tuple(value.get("references", ())),
        "draft_of": draft_of and DraftOf.from_json(draft_of),
        "control": control and Control.from_json(control),
        "reference_uses": tuple(map(ReferenceUse.from_json, value.get("reference_uses", ()))),
    }


KINDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("prompt", "negative_prompt", "model", "scheduler"), (str,)),
    **dict.fromkeys(("image", "mask"), (str, type(None))),
    **dict.fromkeys(("width", "height", "num_inference_steps", "seed", "count"), (int,)),
    **dict.fromkeys(("enlarged", "chaos"), (int,)),
    **dict.fromkeys(("guidance_scale", "strength"), (int, float)),
    **dict.fromkeys(("tile", "quick"), (bool,)),
    "draft_of": (DraftOf, type(None)),
    "process": (Process, type(None)),
    "control": (Control, type(None)),
}
"""The fields of a stored recipe, and the types that they may have."""


def _check_stored(recipe: Recipe) -> None:
    """Raise `ValueError` unless the values of a stored recipe are of their kinds."""
    for name, kinds in KINDS.items():
        if not isinstance(getattr(recipe, name), kinds):
            raise ValueError(f"{name} isn't of its kind")
    if not all(isinstance(name, str) for name in recipe.references):
        raise ValueError("references")
    if recipe.reference_uses and len(recipe.reference_uses) != len(recipe.references):
        raise ValueError("reference_uses")
    weights = [weight for name, weight in recipe.adapters if isinstance(name, str)]
    numbers = (recipe.guidance_scale, recipe.strength, *weights)
    if len(weights) != len(recipe.adapters) or not all(abs(number) < 1e6 for number in numbers):
        raise ValueError("adapters, guidance or strength")
    if not 1 <= recipe.count <= MAX_COUNT or min(recipe.width, recipe.height) < 1:
        raise ValueError("count or size")
    if recipe.scheduler not in SCHEDULERS:
        raise ValueError(f"no scheduler {recipe.scheduler}")
