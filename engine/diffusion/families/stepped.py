"""The loop of a Diffusers pipeline, turned inside out: what all stepped families share.

A row holds what one call of the pipeline would hold in local variables, and `step` takes any rows
of one size through the denoiser together, each at its own timestep, with its own scheduler,
generator and guidance. What a row computes does not depend on the rows beside it.

A family says how its prompts are encoded, what its latents look like, how the denoiser is called
and how latents become pixels; the order of the random draws is that of its Diffusers pipeline, so
that equal seeds give equal pictures.
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

import torch
from PIL import Image

from engine.diffusion.cads import add_condition_noise, condition_noise_generator
from engine.diffusion.families.base import InitImage, Sample
from engine.diffusion.families.conditioning import Conditioning, EmbeddingCache
from engine.diffusion.lora.manager import LoraManager
from engine.diffusion.offload import OffloadedComponents
from engine.diffusion.oom import InitImageOutOfMemory, out_of_memory
from engine.diffusion.previews import LatentMap
from engine.diffusion.schedulers import make_scheduler, predicted_original
from engine.diffusion.textual_inversion import TextualInversions
from engine.errors import InvalidRequest
from engine.jobs.request import Recipe
from engine.models.adapters import AdapterCatalogue
from engine.models.families import FAMILIES, FamilyFacts, Noise
from speech import say


@dataclass(eq=False, kw_only=True)
class LatentSample(Sample):
    """A row of latents.

    Attributes:
        latents: Current sample as the scheduler takes it, with a batch of one.
        original: The model's present idea of the noiseless latents, same shape.
        conditioning: What the denoiser is told in each of its calls: negative first, when guided.
        timesteps: The scheduler's timesteps that are left at the beginning, shape (total_steps,).
        scheduler: This row's own scheduler.
        generator: Its own source of randomness; the order of the draws is Diffusers'.
        step_options: Further arguments of its `step` (the row's own generator, eta).
        source: Latents of the picture that this one starts from, same shape as `latents`.
        noise: The noise that was laid over them, same shape.
        variety: Where the noise in its prompt comes from, if it is to have any.
        own: Whatever else the family keeps for a row.
    """

    latents: torch.Tensor
    original: torch.Tensor | None = None
    conditioning: Sequence[Conditioning]
    timesteps: torch.Tensor
    scheduler: Any
    generator: torch.Generator
    step_options: dict[str, Any]
    source: torch.Tensor | None
    noise: torch.Tensor
    variety: torch.Generator
    own: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DenoiserInput:
    """One row of one call of the denoiser.

    Attributes:
        row: Whose call it is.
        sample: The scaled latents, with a batch of one.
        timestep: The scheduler's timestep, float32, shape ().
        conditioning: What the denoiser is told.
    """

    row: LatentSample
    sample: torch.Tensor
    timestep: torch.Tensor
    conditioning: Conditioning


def stack_conditioning(calls: Sequence[DenoiserInput], name: str) -> torch.Tensor:
    """What the calls are told under `name`, in one batch."""
    return torch.cat([call.conditioning[name] for call in calls])


class Stepped(ABC):
    """A loaded pipeline that is stepped row by row."""

    family: ClassVar[str]
    """Name in `engine.models.families.FAMILIES`."""

    def __init__(
        self,
        pipe: Any,
        parts: OffloadedComponents,
        latent_map: LatentMap | None,
        *,
        adapters: AdapterCatalogue | None = None,
        inversions: TextualInversions | None = None,
    ) -> None:
        """Take a loaded pipeline.

        Args:
            pipe: The Diffusers pipeline.
            parts: Brings its components to the device.
            latent_map: Makes previews; without one there are none.
            adapters: The LoRAs that there are.
            inversions: The learned words that there are.
        """
        self._pipe = pipe
        self._parts = parts
        self._latent_map = latent_map
        self._embeddings = EmbeddingCache(parts.device)
        self._adapters = LoraManager(pipe, parts, self.facts, adapters or AdapterCatalogue())
        self._inversions = inversions or TextualInversions()

    @property
    def facts(self) -> FamilyFacts:
        """What is true of the family."""
        return FAMILIES[self.family]

    @abstractmethod
    def encode(self, text: str, *, negative: bool) -> Conditioning:
        """What the denoiser is told of `text`; the text encoders are on the device."""

    @abstractmethod
    def new_noise(self, recipe: Recipe, generator: torch.Generator) -> torch.Tensor:
        """Noise of variance 1 in the shape of the latents, as the scheduler takes them."""

    @abstractmethod
    def denoise(self, calls: Sequence[DenoiserInput]) -> torch.Tensor:
        """Call the denoiser once; one prediction for each call, of its sample's shape."""

    @abstractmethod
    def decode(self, row: LatentSample) -> torch.Tensor:
        """Pixels in -1 to 1, shape (1, 3, height, width); the VAE is on the device."""

    def encode_picture(
        self, pixels: torch.Tensor, recipe: Recipe, generator: torch.Generator
    ) -> torch.Tensor:
        """Latents of a picture, as the scheduler takes them; the VAE is on the device.

        Args:
            pixels: -1 to 1, shape (1, 3, height, width).
            recipe: What is to be painted from it.
            generator: The row's own, for the VAE's distribution.
        """
        raise InvalidRequest(say("{model} doesn't support start images.", model=recipe.model))

    def guided(self, recipe: Recipe) -> bool:
        """Whether the denoiser is called with the negative prompt as well."""
        return recipe.guidance_scale > 1

    def guide(
        self, row: LatentSample, negative: torch.Tensor, positive: torch.Tensor
    ) -> torch.Tensor:
        """Classifier-free guidance (Ho and Salimans, 2022, equation 6, with w = scale - 1)."""
        return negative + row.recipe.guidance_scale * (positive - negative)

    def set_timesteps(self, recipe: Recipe, scheduler: Any) -> None:
        """Tell the scheduler how many steps there are."""
        scheduler.set_timesteps(recipe.num_inference_steps, device=self._parts.device)

    def skipped_steps(self, recipe: Recipe) -> int:
        """Steps that a picture which starts from another is spared, by its strength."""
        steps = recipe.num_inference_steps
        if self.facts.noise is Noise.FLOW:
            return int(max(steps - min(steps * recipe.strength, steps), 0))
        return steps - min(max(int(steps * recipe.strength), 1), steps)

    def source(
        self, recipe: Recipe, start: InitImage, generator: torch.Generator
    ) -> torch.Tensor | None:
        """Latents of the picture that a row starts from; `None` to begin with noise alone."""
        return self.encode_picture(self.pixels(start, recipe), recipe, generator)

    def prepare(self, row: LatentSample, start: InitImage | None) -> None:  # noqa: B027
        """Whatever else the family draws for a new row; the VAE is there if there is a start."""

    def model_input(self, row: LatentSample, sample: torch.Tensor) -> torch.Tensor:
        """What the denoiser is given for a row's scaled sample."""
        return sample

    def settled(self, row: LatentSample, latents: torch.Tensor) -> torch.Tensor:
        """What becomes of a row's new latents after a scheduler step."""
        return latents

    def batch_key(self, row: Sample) -> Hashable:
        """Rows of one size go together, if their adapters can be mixed."""
        adapters = self._adapters.batch_key(row.recipe.adapters)
        return row.recipe.width, row.recipe.height, adapters

    def begin(self, recipe: Recipe, start: InitImage | None = None) -> list[Sample]:
        """Encode the prompt once and make a row for each seed.

        Raises:
            InvalidRequest: When the family cannot start from a picture, or paint within a mask, or
                when an adapter or a learned word is for another family.
            ModelUnavailable: When an adapter's file is not there, or damaged.
        """
        self._check(recipe, start)
        self._adapters.ensure(*recipe.adapters)
        conditioning = [self._conditioning(recipe, recipe.prompt, negative=False)]
        if self.guided(recipe):
            conditioning.insert(
                0, self._conditioning(recipe, recipe.negative_prompt, negative=True)
            )
        conditioning = self.matched(recipe, conditioning)
        if start is None:
            return [self._row(recipe, seed, conditioning, None) for seed in recipe.seeds]
        try:
            with self._parts.use("vae"):
                return [self._row(recipe, seed, conditioning, start) for seed in recipe.seeds]
        except Exception as error:
            if out_of_memory(error):
                raise InitImageOutOfMemory(str(error)) from error
            raise

    def _check(self, recipe: Recipe, start: InitImage | None) -> None:
        if start is not None and not self.facts.image_to_image:
            raise InvalidRequest(
                say(
                    "{model} is a {family} model, which doesn't support start images. Remove "
                    "the picture, or choose another model.",
                    model=recipe.model,
                    family=self.facts.label,
                )
            )
        if start is not None and start.mask is not None and not self.facts.inpaint:
            raise InvalidRequest(
                say(
                    "{model} is a {family} model, which doesn't support masks. Remove the "
                    "mask, or choose another model.",
                    model=recipe.model,
                    family=self.facts.label,
                )
            )

    def matched(self, recipe: Recipe, conditioning: list[Conditioning]) -> list[Conditioning]:
        """What the denoiser is told of both prompts, brought to one shape where it has to be."""
        return conditioning

    def _conditioning(self, recipe: Recipe, text: str, *, negative: bool) -> Conditioning:
        encoders = self.facts.text_encoders
        adapters = recipe.adapters

        def encode() -> Conditioning:
            with self._adapters.applied([adapters], *encoders), self._parts.use(*encoders):
                return self.encode(text, negative=negative)

        profile = self._inversions.named_in(text)
        key = (text, negative, self._adapters.encoder_key(adapters), profile)
        return self._embeddings.get(key, encode)

    def _row(
        self,
        recipe: Recipe,
        seed: int,
        conditioning: Sequence[Conditioning],
        start: InitImage | None,
    ) -> LatentSample:
        scheduler = make_scheduler(self._pipe.scheduler, recipe.scheduler)
        self.set_timesteps(recipe, scheduler)
        timesteps = scheduler.timesteps
        generator = torch.Generator("cpu").manual_seed(seed)
        source = None
        if start is not None:
            begin = self.skipped_steps(recipe) * scheduler.order
            timesteps = timesteps[begin:]
            if hasattr(scheduler, "set_begin_index"):
                scheduler.set_begin_index(begin)
            source = self.source(recipe, start, generator)
        noise = self.new_noise(recipe, generator)
        row = LatentSample(
            recipe=recipe,
            seed=seed,
            total_steps=len(timesteps),
            latents=add_noise(scheduler, source, noise, timesteps),
            conditioning=conditioning,
            timesteps=timesteps,
            scheduler=scheduler,
            generator=generator,
            step_options=_step_options(scheduler, generator),
            source=source,
            noise=noise,
            variety=condition_noise_generator(seed),
        )
        self.prepare(row, start)
        return row

    def pixels(self, start: InitImage, recipe: Recipe) -> torch.Tensor:
        """The picture of `start` in -1 to 1, shape (1, 3, height, width), as the VAE takes it."""
        processor = self._pipe.image_processor
        pixels = processor.preprocess(start.image, height=recipe.height, width=recipe.width)
        return cast(torch.Tensor, pixels.to(self._parts.device, self._pipe.vae.dtype))

    def step(self, rows: Sequence[Sample], between: Callable[[], None]) -> None:
        """Call the denoiser once for all rows, then each row's scheduler."""
        batch = cast(Sequence[LatentSample], rows)
        calls = []
        for row in batch:
            t = row.timesteps[row.step]
            sample = self.model_input(row, _scaled(row, t))
            *negative, positive = row.conditioning
            noise_left = 1 - row.step / row.total_steps
            shown = add_condition_noise(positive, row.recipe.chaos, noise_left, row.variety)
            calls += [
                DenoiserInput(row, sample, t.to(torch.float32), conditioning)
                for conditioning in (*negative, shown)
            ]
        denoiser = self.facts.denoiser
        applied = self._adapters.applied([call.row.recipe.adapters for call in calls], denoiser)
        with applied, self._parts.use(denoiser):
            predictions = self.denoise(calls)
        own = torch.split(predictions, [len(row.conditioning) for row in batch])
        for row, predicted in zip(batch, own, strict=True):
            self._advance(row, predicted)

    def _advance(self, row: LatentSample, predictions: torch.Tensor) -> None:
        """One scheduler step from the predictions of the row's calls, in their order."""
        prediction = predictions
        if len(row.conditioning) == 2:
            negative, positive = predictions.chunk(2)
            prediction = self.guide(row, negative, positive)
        t = row.timesteps[row.step]
        sample = row.latents
        output = row.scheduler.step(prediction, t, sample, **row.step_options)
        row.original = predicted_original(row.scheduler, output, sample, t, prediction)
        row.latents = self.settled(row, output.prev_sample)
        row.step += 1

    def finish(self, row: Sample) -> Image.Image:
        """Decode the latents."""
        with self._parts.use("vae"):
            decoded = self.decode(cast(LatentSample, row))
        [image] = self._pipe.image_processor.postprocess(decoded, output_type="pil")
        return cast(Image.Image, image)

    def preview(self, row: Sample) -> Image.Image | None:
        """The predicted picture through a linear map of its latents."""
        latent_row = cast(LatentSample, row)
        if latent_row.original is None or self._latent_map is None:
            return None
        latents = self.as_grid(latent_row.original, row.recipe)
        if latents.shape[1] != self._latent_map.channels:
            return None
        return self._latent_map.image(latents[0])

    def as_grid(self, latents: torch.Tensor, recipe: Recipe) -> torch.Tensor:
        """Latents in the shape (1, channels, rows, columns), where the scheduler has another."""
        return latents


def _scaled(row: LatentSample, t: torch.Tensor) -> torch.Tensor:
    scale = getattr(row.scheduler, "scale_model_input", None)
    return row.latents if scale is None else cast(torch.Tensor, scale(row.latents, t))


def add_noise(
    scheduler: Any, source: torch.Tensor | None, noise: torch.Tensor, timesteps: torch.Tensor
) -> torch.Tensor:
    """The latents to begin with: noise alone, or a picture under as much of it as is left."""
    noised: torch.Tensor
    if source is None:
        noised = noise * getattr(scheduler, "init_noise_sigma", 1.0)
    elif hasattr(scheduler, "scale_noise"):
        noised = scheduler.scale_noise(source, timesteps[:1], noise)
    else:
        noised = scheduler.add_noise(source, noise, timesteps[:1])
    return noised


def _step_options(scheduler: Any, generator: torch.Generator) -> dict[str, Any]:
    """The arguments that this scheduler's `step` takes besides the three common ones."""
    accepted = inspect.signature(scheduler.step).parameters
    wanted: dict[str, Any] = {"generator": generator, "eta": 0.0}
    return {name: value for name, value in wanted.items() if name in accepted}
