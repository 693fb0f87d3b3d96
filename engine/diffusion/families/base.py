"""The contract between the painter and a model: begin, step, finish."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from PIL import Image

from engine.jobs.request import Recipe


@dataclass(frozen=True, slots=True)
class InitImage:
    """What a picture starts from, besides noise.

    Attributes:
        image: RGB, of any size; it is brought to the recipe's.
        mask: Greyscale: white is painted anew, black is kept; `None` for all of the picture.
    """

    image: Image.Image
    mask: Image.Image | None = None


@dataclass(eq=False, kw_only=True)
class Sample:
    """One picture in the making: a row of the batch.

    Attributes:
        recipe: What its job paints.
        seed: The seed of this picture.
        total_steps: Model calls that it takes.
        step: Model calls done.
        cancelled: Set by the painter; a family that cannot be interrupted between two calls of
            `step` looks at it whenever it can.
    """

    recipe: Recipe
    seed: int
    total_steps: int
    step: int = 0
    cancelled: bool = field(default=False)

    @property
    def done(self) -> bool:
        """Whether only the decoding is left."""
        return self.step >= self.total_steps


class Family(Protocol):
    """A loaded pipeline of one kind."""

    def begin(self, recipe: Recipe, start: InitImage | None = None) -> Sequence[Sample]:
        """Encode the prompt and make the rows of a job, one for each seed.

        Raises:
            InvalidRequest: When the recipe asks for what this model cannot do.
        """

    def batch_key(self, row: Sample) -> Hashable:
        """Rows with equal keys can be stepped together."""

    def step(self, rows: Sequence[Sample], between: Callable[[], None]) -> None:
        """Advance each row by one model call.

        A family that runs whole advances its row to the end, calling `between` after each step
        and giving up when the row turns out to be cancelled.
        """

    def finish(self, row: Sample) -> Image.Image:
        """Decode the row into an RGB picture."""

    def preview(self, row: Sample) -> Image.Image | None:
        """A small picture of where the row stands, if the family can tell."""
