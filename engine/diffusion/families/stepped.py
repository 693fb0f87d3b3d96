"""The loop of a Diffusers pipeline, turned inside out: what all stepped families share.

`step` takes any samples of one size through the denoiser together, each at its own timestep, with
its own scheduler, generator and guidance. A sample's result doesn't depend on those beside it.
In quick mode a sample stays out of the denoiser call at steps where it does without.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, cast

import torch
from PIL import Image

from engine.devices.executor_setup import FindNetwork, network_on_disk
from engine.diffusion.acceleration import Acceleration
from engine.diffusion.cads import add_condition_noise, condition_noise_generator
from engine.diffusion.families.base import InitImage, Sample
from engine.diffusion.families.conditioning import Conditioning, EmbeddingCache
from engine.diffusion.families.control_networks import ControlNetworks
from engine.diffusion.families.control_rows import NAME as CONTROL
from engine.diffusion.families.control_rows import SampleControl, controlled_rows
from engine.diffusion.families.latent_family import LatentFamily
from engine.diffusion.families.latent_sample import (
    DenoiserBatch,
    DenoiserInput,
    LatentSample,
    add_noise,
    step_kwargs,
)
from engine.diffusion.families.references import require_shape
from engine.diffusion.families.step_cache import StepCache
from engine.diffusion.lora.manager import LoraManager
from engine.diffusion.offload import OffloadedComponents
from engine.diffusion.oom import InitImageOutOfMemory, out_of_memory
from engine.diffusion.overflow import require_finite
from engine.diffusion.previews import Previewer
from engine.diffusion.schedulers import make_scheduler, predicted_original
from engine.diffusion.textual_inversion import TextualInversions
from engine.errors import InvalidRequest
from engine.images.canvas import cropped_to
from engine.images.colours import on_white
from engine.jobs.recipe import Recipe
from engine.memory.plan import Stage
from engine.models.adapters import AdapterCatalogue
from engine.models.controls import ControlCatalogue
from speech import say


class Stepped(LatentFamily):
    """A loaded pipeline that is stepped sample by sample."""

    takes_inversions = False
    """Whether its prompts can have textual inversions in them."""

    def __init__(
        self,
        pipe: Any,
        components: OffloadedComponents,
        previewer: Previewer | None = None,
        *,
        adapters: AdapterCatalogue | None = None,
        inversions: TextualInversions | None = None,
        acceleration: Acceleration | None = None,
        controls: ControlCatalogue | None = None,
        find_control: FindNetwork = network_on_disk,
    ) -> None:
        """Take a loaded pipeline.

        Args:
            pipe: The Diffusers pipeline.
            components: Brings its components to the device.
            previewer: Makes previews in place of the family's own map.
            adapters: The LoRAs that can be used.
            inversions: The textual inversions that can be used.
            acceleration: Calls the denoiser and the VAE, if there are several ways.
            controls: The control networks that can be used.
            find_control: Finds their files.
        """
        super().__init__(pipe, components)
        self._previewer = previewer or self.latent_map
        self._embeddings = EmbeddingCache(components.device)
        self._adapters = LoraManager(pipe, components, self.facts, adapters or AdapterCatalogue())
        self._inversions = inversions or TextualInversions()
        self._acceleration = acceleration
        self._controls = ControlNetworks(
            components, self.family, controls or ControlCatalogue(), find_control
        )

    def batch_key(self, sample: Sample) -> Hashable:
        """Samples of one size go together, if their adapters can share a batch.

        So do those that are shown references of the same sizes: a sequence has one layout.
        """
        adapters = self._adapters.batch_key(sample.recipe.adapters)
        shown = cast(LatentSample, sample).extra.get("reference_sizes")
        return sample.recipe.width, sample.recipe.height, adapters, shown

    def forget_prompts(self) -> None:
        """Encode every prompt anew: the weights of a text encoder have changed."""
        self._embeddings = EmbeddingCache(self._components.device)

    def load_adapters(self, recipe: Recipe) -> None:
        """Load them once; those that were used least recently may make room."""
        self._adapters.ensure(*recipe.adapters)
        self._controls.ensure(recipe.control, self._denoiser)

    def begin(
        self,
        recipe: Recipe,
        init_image: InitImage | None = None,
        references: Sequence[Image.Image] = (),
        control: Image.Image | None = None,
    ) -> list[Sample]:
        """Encode the prompt and the pictures once, and make a sample for each seed.

        Raises:
            InvalidRequest: The family doesn't support init images or masks, a reference is too
                narrow, or an adapter or a textual inversion is for another family.
            ModelUnavailable: An adapter's file is missing or damaged.
        """
        self._require_support(recipe, init_image)
        for image in references:
            require_shape(image)
        if not self.facts.transparent:
            references = [on_white(image) for image in references]
        self.load_adapters(recipe)
        conditioning = [self._conditioning(recipe, recipe.prompt, references, negative=False)]
        if self.uses_guidance(recipe):
            negative = self._conditioning(recipe, recipe.negative_prompt, references, negative=True)
            conditioning.insert(0, negative)
        conditioning = self.pad_conditioning(recipe, conditioning)
        if init_image is None and not references and control is None:
            return [self._new_sample(recipe, seed, conditioning, None) for seed in recipe.seeds]
        try:
            with self._components.use("vae"):
                shown = self.encode_references(references) if references else {}
                return [
                    self._new_sample(recipe, seed, conditioning, init_image, shown, control)
                    for seed in recipe.seeds
                ]
        except Exception as error:
            if out_of_memory(error):
                raise InitImageOutOfMemory(str(error)) from error
            raise

    def _control(
        self, recipe: Recipe, image: Image.Image, generator: torch.Generator
    ) -> SampleControl:
        """What a sample of a recipe is painted along."""
        assert recipe.control is not None, "a map comes with what it's for"
        loaded = self._controls[recipe.control.network]
        fitted = cropped_to(image.convert("RGB"), recipe.width / recipe.height)
        encoded = self.encode_control(fitted, recipe, loaded, generator)
        return SampleControl(recipe.control, encoded, loaded)

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

    def _conditioning(
        self,
        recipe: Recipe,
        text: str,
        references: Sequence[Image.Image] = (),
        *,
        negative: bool,
    ) -> Conditioning:
        """The encoded prompt, from the cache where it is there."""
        encoders = self.facts.text_encoders
        adapters = recipe.adapters

        def encode() -> Conditioning:
            with (
                self._adapters.applied([adapters], *encoders),
                self._components.use(*encoders, stage=Stage.ENCODE),
            ):
                return self.encode_prompt_beside(references, text, negative=negative)

        if not self.takes_inversions:
            self._inversions.refuse(text, self.facts.label)
        inversions = self._inversions.named_in(text)
        beside = recipe.references if references and self.facts.reference_tokens else ()
        key = (text, beside, negative, self._adapters.encoder_key(adapters), inversions)
        return self._embeddings.get(key, encode)

    def _new_sample(
        self,
        recipe: Recipe,
        seed: int,
        conditioning: Sequence[Conditioning],
        init_image: InitImage | None,
        shown: Mapping[str, Any] = MappingProxyType({}),
        control: Image.Image | None = None,
    ) -> LatentSample:
        """A sample before its first step; `shown` are the encoded references."""
        scheduler = make_scheduler(self._pipe.scheduler, recipe.scheduler)
        self.set_timesteps(recipe, scheduler)
        timesteps = scheduler.timesteps
        generator = torch.Generator("cpu").manual_seed(seed)
        extra = dict(shown)
        if control is not None:
            extra[CONTROL] = self._control(recipe, control, generator)
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
            denoiser_timesteps=timesteps.to(torch.float32).to(self._components.device),
            scheduler=scheduler,
            generator=generator,
            step_kwargs=step_kwargs(scheduler, generator),
            init_latents=init_latents,
            noise=noise,
            cads_generator=condition_noise_generator(seed),
            extra=extra,
            cache=StepCache(scheduler, len(timesteps)) if recipe.quick else None,
        )
        self.prepare(sample, init_image)
        if (control := sample.extra.get(CONTROL)) is not None:
            control.loaded.users.add(sample)
        return sample

    def step(self, samples: Sequence[Sample], on_step_end: Callable[[], None]) -> None:
        """Call the denoiser once for all samples that need it, then each sample's scheduler.

        Raises:
            NumbersOverflowed: The latents aren't finite after the first step, when most that
                overflow do, or after the last.
        """
        latent_samples = cast(Sequence[LatentSample], samples)
        inputs = [self._inputs(sample) for sample in latent_samples]
        predictions = iter(self._predict([each for own in inputs for each in own]))
        for sample, own in zip(latent_samples, inputs, strict=True):
            prediction = self._combined(sample, [next(predictions) for _ in own])
            sample.shortened = len(own) < len(sample.conditioning)
            self._advance(sample, prediction)
            if sample.step == 1 or sample.done:
                require_finite(sample.latents, Stage.STEP)

    def _predict(self, inputs: Sequence[DenoiserInput]) -> Sequence[torch.Tensor]:
        """The denoiser's prediction for each of `inputs`, with a batch of one."""
        if not inputs:
            return ()
        batch = DenoiserBatch(inputs)
        denoiser = self.facts.denoiser
        adapters = [sample.recipe.adapters for sample in batch.samples]
        controls = [rows.loaded.facts.name for rows in controlled_rows(batch)]
        with (
            self._adapters.applied(adapters, denoiser),
            self._components.use(denoiser, *controls, stage=Stage.STEP),
        ):
            return torch.split(self._predictions(batch), 1)

    def _predictions(self, batch: DenoiserBatch) -> torch.Tensor:
        """What `denoise` returns, called in the fastest way that is known."""
        if self._acceleration is None:
            return self.denoise(batch)
        pictures = len({id(each) for each in batch.samples})
        shape = pictures, batch.recipe.width, batch.recipe.height
        return self._acceleration.denoise(
            partial(self.denoise, batch), shape, hooked=self.is_hooked(batch)
        )

    def is_hooked(self, batch: DenoiserBatch) -> bool:
        """Whether layers of the denoiser have hooks while it computes this batch."""
        return False

    def decoded(self, sample: LatentSample) -> torch.Tensor:
        """What `decode` returns, called in the fastest way that is known."""
        if self._acceleration is None:
            return self.decode(sample)
        return self._acceleration.decode(partial(self.decode, sample))

    def _inputs(self, sample: LatentSample) -> list[DenoiserInput]:
        """The sample's denoiser inputs: with the negative prompt, if guided, and the positive.

        In quick mode some steps have no input, and some later ones only the positive prompt.
        """
        cache = sample.cache
        if cache is not None and cache.forecasts(sample.step):
            return []
        latents = self.model_input(sample, sample.scaled_latents)
        timestep = sample.denoiser_timesteps[sample.step]
        *negative, positive = sample.conditioning
        if cache is not None and not cache.guides(sample.step):
            negative = []
        noise_left = 1 - sample.step / sample.total_steps
        positive = add_condition_noise(
            positive, sample.recipe.chaos, noise_left, sample.cads_generator
        )
        return [
            DenoiserInput(sample, latents, timestep, conditioning)
            for conditioning in (*negative, positive)
        ]

    def _combined(self, sample: LatentSample, predictions: Sequence[torch.Tensor]) -> torch.Tensor:
        """One prediction from those for the sample's inputs, in their order."""
        cache = sample.cache
        if cache is not None and not predictions:
            return cache.forecast(sample.step)
        *negatives, combined = predictions
        if len(sample.conditioning) == 2:
            negative = negatives[0] if negatives else None
            if cache is not None:
                negative = cache.negative(combined, negative)
            assert negative is not None, "only a cache does without"
            combined = self.apply_guidance(sample, negative, combined)
        if cache is not None:
            cache.keep(sample.step, combined)
        return combined

    def _advance(self, sample: LatentSample, prediction: torch.Tensor) -> None:
        """One scheduler step."""
        t, latents = sample.timestep, sample.latents
        output = sample.scheduler.step(prediction, t, latents, **sample.step_kwargs)
        sample.pred_original = predicted_original(sample.scheduler, output, latents, t, prediction)
        sample.latents = self.after_step(sample, output.prev_sample)
        sample.step += 1

    def finish(self, sample: Sample) -> Image.Image:
        """Decode the latents."""
        with self._components.use("vae", stage=Stage.DECODE):
            pixels = self.decoded(cast(LatentSample, sample))
            require_finite(pixels, Stage.DECODE)
        [image] = self._pipe.image_processor.postprocess(pixels, output_type="pil")
        return cast(Image.Image, image)

    def preview(self, sample: Sample) -> Image.Image | None:
        """The predicted picture, small."""
        pred_original = cast(LatentSample, sample).pred_original
        if pred_original is None or self._previewer is None:
            return None
        latents = self.unpack(pred_original, sample.recipe)
        if latents.shape[1] != self._previewer.channels:
            return None
        return self._previewer.image(latents[0])
