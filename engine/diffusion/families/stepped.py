"""The loop of a Diffusers pipeline, turned inside out: what all stepped families share.

`step` takes any samples of one size through the denoiser together, each at its own timestep, with
its own scheduler, generator and guidance. A sample's result doesn't depend on those beside it.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, cast

import torch
from PIL import Image

from engine.diffusion.cads import add_condition_noise, condition_noise_generator
from engine.diffusion.families.base import InitImage, Sample
from engine.diffusion.families.conditioning import Conditioning, EmbeddingCache
from engine.diffusion.families.latent_family import LatentFamily
from engine.diffusion.families.latent_sample import (
    DenoiserBatch,
    DenoiserInput,
    LatentSample,
    add_noise,
    step_kwargs,
)
from engine.diffusion.lora.manager import LoraManager
from engine.diffusion.offload import OffloadedComponents
from engine.diffusion.oom import InitImageOutOfMemory, out_of_memory
from engine.diffusion.overflow import require_finite
from engine.diffusion.previews import LatentMap
from engine.diffusion.schedulers import make_scheduler, predicted_original
from engine.diffusion.textual_inversion import TextualInversions
from engine.errors import InvalidRequest
from engine.jobs.request import Recipe
from engine.memory.plan import Stage
from engine.models.adapters import AdapterCatalogue
from speech import say


class Stepped(LatentFamily):
    """A loaded pipeline that is stepped sample by sample."""

    takes_inversions = False
    """Whether its prompts can have textual inversions in them."""

    def __init__(
        self,
        pipe: Any,
        components: OffloadedComponents,
        latent_map: LatentMap | None = None,
        *,
        adapters: AdapterCatalogue | None = None,
        inversions: TextualInversions | None = None,
    ) -> None:
        """Take a loaded pipeline.

        Args:
            pipe: The Diffusers pipeline.
            components: Brings its components to the device.
            latent_map: Makes previews in place of the family's own.
            adapters: The LoRAs that can be used.
            inversions: The textual inversions that can be used.
        """
        super().__init__(pipe, components)
        self._latent_map = latent_map or self.latent_map
        self._embeddings = EmbeddingCache(components.device)
        self._adapters = LoraManager(pipe, components, self.facts, adapters or AdapterCatalogue())
        self._inversions = inversions or TextualInversions()

    def batch_key(self, sample: Sample) -> Hashable:
        """Samples of one size go together, if their adapters can share a batch."""
        adapters = self._adapters.batch_key(sample.recipe.adapters)
        return sample.recipe.width, sample.recipe.height, adapters

    def load_adapters(self, recipe: Recipe) -> None:
        """Load them once; those that were used least recently may make room."""
        self._adapters.ensure(*recipe.adapters)

    def begin(self, recipe: Recipe, init_image: InitImage | None = None) -> list[Sample]:
        """Encode the prompt once and make a sample for each seed.

        Raises:
            InvalidRequest: The family doesn't support init images or masks, or an adapter or a
                textual inversion is for another family.
            ModelUnavailable: An adapter's file is missing or damaged.
        """
        self._require_support(recipe, init_image)
        self._adapters.ensure(*recipe.adapters)
        conditioning = [self._conditioning(recipe, recipe.prompt, negative=False)]
        if self.uses_guidance(recipe):
            negative = self._conditioning(recipe, recipe.negative_prompt, negative=True)
            conditioning.insert(0, negative)
        conditioning = self.pad_conditioning(recipe, conditioning)
        if init_image is None:
            return [self._new_sample(recipe, seed, conditioning, None) for seed in recipe.seeds]
        try:
            with self._components.use("vae"):
                return [
                    self._new_sample(recipe, seed, conditioning, init_image)
                    for seed in recipe.seeds
                ]
        except Exception as error:
            if out_of_memory(error):
                raise InitImageOutOfMemory(str(error)) from error
            raise

    def _require_support(self, recipe: Recipe, init_image: InitImage | None) -> None:
        if init_image is not None and not self.facts.image_to_image:
            raise InvalidRequest(
                say(
                    "{model} is a {family} model, which doesn't support start images. Remove "
                    "the picture, or choose another model.",
                    model=recipe.model,
                    family=self.facts.label,
                )
            )
        if init_image is not None and init_image.mask is not None and not self.facts.inpaint:
            raise InvalidRequest(
                say(
                    "{model} is a {family} model, which doesn't support masks. Remove the "
                    "mask, or choose another model.",
                    model=recipe.model,
                    family=self.facts.label,
                )
            )

    def _conditioning(self, recipe: Recipe, text: str, *, negative: bool) -> Conditioning:
        """The encoded prompt, from the cache where it is there."""
        encoders = self.facts.text_encoders
        adapters = recipe.adapters

        def encode() -> Conditioning:
            with (
                self._adapters.applied([adapters], *encoders),
                self._components.use(*encoders, stage=Stage.ENCODE),
            ):
                return self.encode_prompt(text, negative=negative)

        if not self.takes_inversions:
            self._inversions.refuse(text, self.facts.label)
        inversions = self._inversions.named_in(text)
        key = (text, negative, self._adapters.encoder_key(adapters), inversions)
        return self._embeddings.get(key, encode)

    def _new_sample(
        self,
        recipe: Recipe,
        seed: int,
        conditioning: Sequence[Conditioning],
        init_image: InitImage | None,
    ) -> LatentSample:
        scheduler = make_scheduler(self._pipe.scheduler, recipe.scheduler)
        self.set_timesteps(recipe, scheduler)
        timesteps = scheduler.timesteps
        generator = torch.Generator("cpu").manual_seed(seed)
        init_latents = None
        if init_image is not None:
            begin = self.skipped_steps(recipe) * scheduler.order
            timesteps = timesteps[begin:]
            if hasattr(scheduler, "set_begin_index"):
                scheduler.set_begin_index(begin)
            init_latents = self.init_latents(recipe, init_image, generator)
            if init_latents is not None:
                require_finite(init_latents, Stage.DECODE)
        noise = self.new_noise(recipe, generator)
        sample = LatentSample(
            recipe=recipe,
            seed=seed,
            total_steps=len(timesteps),
            latents=add_noise(scheduler, init_latents, noise, timesteps),
            conditioning=conditioning,
            timesteps=timesteps,
            scheduler=scheduler,
            generator=generator,
            step_kwargs=step_kwargs(scheduler, generator),
            init_latents=init_latents,
            noise=noise,
            cads_generator=condition_noise_generator(seed),
        )
        self.prepare(sample, init_image)
        return sample

    def step(self, samples: Sequence[Sample], on_step_end: Callable[[], None]) -> None:
        """Call the denoiser once for all samples, then each sample's scheduler.

        Raises:
            NumbersOverflowed: The latents aren't finite after the first step, when most that
                overflow do, or after the last.
        """
        latent_samples = cast(Sequence[LatentSample], samples)
        batch = DenoiserBatch([each for sample in latent_samples for each in self._inputs(sample)])
        denoiser = self.facts.denoiser
        adapters = [sample.recipe.adapters for sample in batch.samples]
        with (
            self._adapters.applied(adapters, denoiser),
            self._components.use(denoiser, stage=Stage.STEP),
        ):
            predictions = self.denoise(batch)
        by_sample = torch.split(predictions, [len(each.conditioning) for each in latent_samples])
        for sample, predicted in zip(latent_samples, by_sample, strict=True):
            self._advance(sample, predicted)
            if sample.step == 1 or sample.done:
                require_finite(sample.latents, Stage.STEP)

    def _inputs(self, sample: LatentSample) -> list[DenoiserInput]:
        """The sample's denoiser inputs: with the negative prompt, if guided, and the positive."""
        latents = self.model_input(sample, sample.scaled_latents)
        timestep = sample.timestep.to(torch.float32)
        *negative, positive = sample.conditioning
        noise_left = 1 - sample.step / sample.total_steps
        positive = add_condition_noise(
            positive, sample.recipe.chaos, noise_left, sample.cads_generator
        )
        return [
            DenoiserInput(sample, latents, timestep, conditioning)
            for conditioning in (*negative, positive)
        ]

    def _advance(self, sample: LatentSample, predictions: torch.Tensor) -> None:
        """One scheduler step from the predictions for the sample's inputs, in their order."""
        prediction = predictions
        if len(sample.conditioning) == 2:
            negative, positive = predictions.chunk(2)
            prediction = self.apply_guidance(sample, negative, positive)
        t, latents = sample.timestep, sample.latents
        output = sample.scheduler.step(prediction, t, latents, **sample.step_kwargs)
        sample.pred_original = predicted_original(sample.scheduler, output, latents, t, prediction)
        sample.latents = self.after_step(sample, output.prev_sample)
        sample.step += 1

    def finish(self, sample: Sample) -> Image.Image:
        """Decode the latents."""
        with self._components.use("vae", stage=Stage.DECODE):
            pixels = self.decode(cast(LatentSample, sample))
            require_finite(pixels, Stage.DECODE)
        [image] = self._pipe.image_processor.postprocess(pixels, output_type="pil")
        return cast(Image.Image, image)

    def preview(self, sample: Sample) -> Image.Image | None:
        """The predicted picture, through a linear map of its latents."""
        pred_original = cast(LatentSample, sample).pred_original
        if pred_original is None or self._latent_map is None:
            return None
        latents = self.unpack(pred_original, sample.recipe)
        if latents.shape[1] != self._latent_map.channels:
            return None
        return self._latent_map.image(latents[0])
