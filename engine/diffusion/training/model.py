"""The model that is trained on: loaded, its examples encoded, its denoiser on the device."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any, cast

import torch
from PIL import Image

from engine.diffusion.build_lock import BUILD_LOCK
from engine.diffusion.device import Device
from engine.diffusion.families import family_of
from engine.diffusion.families.stepped import Stepped
from engine.diffusion.offload import OffloadedComponents
from engine.diffusion.pipelines import build_pipeline
from engine.diffusion.training.examples import Example, example_of
from engine.diffusion.training.order import seed_of
from engine.diffusion.vae_tiling import apply_vae_tiling
from engine.hub import local_files
from engine.jobs.recipe import Recipe
from engine.memory.plan import Plan
from engine.models.families import FAMILIES, FamilyFacts
from engine.models.inspection import inspect
from engine.models.origins import origin_of
from engine.prompts.dynamic_prompts import expand_dynamic_prompt
from engine.training.loading import loading_plan, sample_tile
from engine.training.setup import TrainingSetup

GUIDED, EMBEDDED = 2.0, 1.0
"""Guidance while training: any above 1 has the family encode what it steers away from, too; a model
that takes it as a number was distilled on it, and learns at 1, as kohya's scripts have it."""


DECODERS = "vae", "safety_checker"
"""Components that finish a picture."""


class TrainingModel:
    """A model's pipeline, taken apart for training.

    Attributes:
        family: Calls it.
        facts: Of its family.
        device: Where it computes.
        dtype: What its weights are in.
        pipe: The Diffusers pipeline.
    """

    def __init__(self, setup: TrainingSetup, device: Device) -> None:
        """Load it into RAM.

        Raises:
            ModelUnavailable: Its files are missing or damaged.
        """
        settings, model = setup.settings, setup.model
        origin = origin_of(model, allow_pickle=settings.allow_pickle)
        files, inspection = local_files(origin), inspect(origin)
        self._model, self._request = model, setup.request
        self.device, self._facts = device.name, device.facts
        request = setup.request
        plan = loading_plan(inspection, device.facts(), request.side, quantize=request.quantize)
        self.dtype = getattr(torch, plan.dtype)
        with BUILD_LOCK:
            self.pipe = build_pipeline(
                model, files, inspection, plan, allow_pickle=settings.allow_pickle
            )
        self.pipe.set_progress_bar_config(disable=True)
        self._components = OffloadedComponents(
            self.pipe, self.device, plan if device.has_own_memory else None
        )
        self.family = cast(Stepped, family_of(self.pipe, self._components, files.folder))
        self.facts: FamilyFacts = FAMILIES[self.family.family]

    @property
    def denoiser(self) -> Any:
        """What is trained."""
        return getattr(self.pipe, self.facts.denoiser)

    @torch.no_grad()
    def example(self, image: Image.Image, caption: str) -> Example:
        """Encode a picture of a size that the family paints, and its caption."""
        guided = self.facts.guidance_rows > 1
        recipe = self._recipe(caption, *image.size, self._request.seed)
        guidance = GUIDED if guided else EMBEDDED
        recipe = replace(recipe, image="picture", guidance_scale=guidance)
        return example_of(self.family, image, recipe)

    @torch.no_grad()
    def encode_samples(self, recipes: Sequence[Recipe]) -> None:
        """Encode prompts that are to be painted when the text encoders are gone."""
        for recipe in recipes:
            self.family.begin(recipe)

    def sample_recipes(self) -> list[Recipe]:
        """What is painted every so often: each prompt from a seed of its own."""
        model, seed = self._model, self._request.seed
        return [
            self._recipe(prompt, model.width, model.height, seed + number)
            for number, prompt in enumerate(self._request.sample_prompts)
        ]

    def class_recipe(self, number: int) -> Recipe:
        """A picture of the class, painted by the model as it is."""
        model, request = self._model, self._request
        choice = random.Random(seed_of(request.seed, "class", number))
        prompt = expand_dynamic_prompt(request.class_prompt, choice)[0]
        return self._recipe(prompt, model.width, model.height, request.seed + number)

    def _recipe(self, prompt: str, width: int, height: int, seed: int) -> Recipe:
        model = self._model
        return Recipe(
            prompt=prompt,
            negative_prompt="",
            model=model.name,
            width=width,
            height=height,
            num_inference_steps=model.num_inference_steps,
            guidance_scale=model.guidance_scale,
            seed=seed,
            count=1,
            scheduler=model.scheduler,
        )

    @torch.no_grad()
    def paint(self, recipe: Recipe) -> Image.Image:
        """Paint a picture.

        Raises:
            NumbersOverflowed: It would be black.
            Withheld: The model has a safety checker, which flagged it.
        """
        with self.autocast():
            [sample] = self.family.begin(recipe)
            while not sample.done:
                self.family.step([sample], lambda: None)
        visit = self._visiting(*DECODERS) if self._taken_apart else nullcontext()
        with visit, self._tiled(recipe):
            return self.family.finish(sample)

    @contextmanager
    def _tiled(self, recipe: Recipe) -> Iterator[None]:
        """Have the VAE work in tiles if what the device has left asks for it; never for examples.

        What it encodes in tiles would differ at their seams.
        """
        if self.dtype is torch.float32:
            yield
            return
        taken = torch.get_device_module(self.device).memory_allocated(self.device)
        room = self._facts().usable_bytes - taken
        side = sample_tile(self.facts, recipe.width, recipe.height, room)
        apply_vae_tiling(self.pipe.vae, Plan(dtype="float32", tile_side=side))
        try:
            yield
        finally:
            apply_vae_tiling(self.pipe.vae, Plan(dtype="float32"))

    _taken_apart = False

    @contextmanager
    def _visiting(self, *names: str) -> Iterator[None]:
        """Have these components on the device, as far as the pipeline has them."""
        parts = [part for name in names if (part := getattr(self.pipe, name, None)) is not None]
        try:
            for part in parts:
                part.to(self.device)
            yield
        finally:
            for part in parts:
                part.to("cpu")

    def take_apart(self, *, keep_encoders: bool = False) -> None:
        """Leave everything in RAM, and free the text encoders unless they are trained."""
        self._components.detach()
        for name in self.facts.text_encoders if not keep_encoders else ():
            if (encoder := getattr(self.pipe, name, None)) is not None:
                encoder.to("meta")
        self._taken_apart = True

    def autocast(self) -> Any:
        """What the denoiser computes in, where that isn't what its weights are in."""
        if self.dtype is torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)
