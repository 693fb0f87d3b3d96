"""The contract between the executor and a model: begin, step, finish."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from engine.jobs.recipe import Recipe


@dataclass(frozen=True, slots=True)
class InitImage:
    """The picture that an image-to-image job starts from.

    Attributes:
        image: RGB, of any size; it is resized to the recipe's.
        mask: Greyscale: white is repainted, black is kept; `None` to repaint everything.
    """

    image: Image.Image
    mask: Image.Image | None = None


@dataclass(eq=False, kw_only=True)
class Sample:
    """One picture while it is being denoised: one row of a batch.

    Attributes:
        recipe: What its job asks for.
        seed: Seed of this picture.
        total_steps: Denoiser calls that it takes.
        step: Denoiser calls done.
        shortened: Whether its last step took less than a whole denoiser call, in quick mode.
        cancelled: Set by the executor. A family whose `step` runs a whole pipeline checks it
            after each denoising step.
    """

    recipe: Recipe
    seed: int
    total_steps: int
    step: int = 0
    shortened: bool = False
    cancelled: bool = False

    @property
    def done(self) -> bool:
        """Whether only decoding is left."""
        return self.step >= self.total_steps


class Family(Protocol):
    """A loaded pipeline of one kind."""

    def load_adapters(self, recipe: Recipe) -> None:
        """Load the LoRAs and the control network of a recipe, before memory is planned for it.

        Raises:
            InvalidRequest: There is none of that name, or it is for another family.
            ModelUnavailable: A file is missing or damaged.
        """

    def begin(
        self,
        recipe: Recipe,
        init_image: InitImage | None = None,
        references: Sequence[Image.Image] = (),
        control: Image.Image | None = None,
    ) -> Sequence[Sample]:
        """Encode the prompt and make the job's samples, one for each seed.

        Args:
            recipe: What its job asks for.
            init_image: What to start from.
            references: Pictures of any size that the model is shown beside the prompt, transparent
                or not.
            control: The map that the picture is painted along, in its shape.

        Raises:
            InvalidRequest: The recipe asks for something that this model can't do.
        """

    def batch_key(self, sample: Sample) -> Hashable:
        """Samples with equal keys can be stepped together."""

    def step(self, samples: Sequence[Sample], on_step_end: Callable[[], None]) -> None:
        """Advance each sample by one denoiser call.

        A family that runs a whole pipeline advances its sample to the end instead. It calls
        `on_step_end` after each denoising step, and stops once the sample is cancelled.

        Raises:
            NumbersOverflowed: A picture would be black, because its numbers aren't finite.
        """

    def finish(self, sample: Sample) -> Image.Image:
        """Decode the sample into a picture: RGBA if something in it is transparent, else RGB.

        Raises:
            NumbersOverflowed: It would be black, because its numbers aren't finite.
        """

    def preview(self, sample: Sample) -> Image.Image | None:
        """A small picture of the sample so far, if the family can make one."""
