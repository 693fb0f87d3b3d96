"""Pictures with captions as the denoiser takes them, kept in RAM: encoders are needed only once."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from PIL import Image

from engine.diffusion.families import InitImage
from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.latent_sample import DenoiserInput, LatentSample
from engine.diffusion.families.stepped import Stepped
from engine.diffusion.prompt_encoding import pad_to_longest
from engine.jobs.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Example:
    """One picture.

    Attributes:
        sample: What the family has made of it, in RAM.
        latents: The picture, shape (1, …).
        key: Examples with equal keys can be in one batch.
    """

    sample: LatentSample
    latents: torch.Tensor
    key: Hashable

    @property
    def captioned(self) -> Conditioning:
        """Its caption."""
        return self.sample.conditioning[-1]

    @property
    def uncaptioned(self) -> Conditioning:
        """What guidance steers away from; the caption where the family has no such thing."""
        return self.sample.conditioning[0]

    def captioned_as(self, other: "Example") -> "Example":
        """The picture with another's caption, if both can be in one batch; else as it is."""
        return replace(other, latents=self.latents) if other.key == self.key else self

    def input(
        self,
        family: Stepped,
        noisy: torch.Tensor,
        timestep: torch.Tensor,
        *,
        captioned: bool = True,
        anew: bool = False,
    ) -> DenoiserInput:
        """A row of a denoiser call, where `noisy` is.

        Args:
            family: Calls the denoiser.
            noisy: Its latents with noise, shape (1, …).
            timestep: The scheduler's, float32, shape ().
            captioned: Whether the denoiser is told what it shows.
            anew: Whether that is encoded now, with the text encoders as they are.
        """
        device = noisy.device
        conditioning = self.captioned if captioned else self.uncaptioned
        if anew:
            conditioning = self._encoded(family, captioned=captioned)
        sample = replace(self.sample, extra=_moved(self.sample.extra, device))
        latents = family.model_input(sample, noisy)
        return DenoiserInput(sample, latents, timestep, _moved(conditioning, device))

    def _encoded(self, family: Stepped, *, captioned: bool) -> Conditioning:
        """The caption, or nothing in as many chunks of tokens, through the text encoders."""
        recipe = self.sample.recipe
        if captioned:
            return family.encode_prompt(recipe.prompt, negative=False)

        def empty() -> Conditioning:
            return family.encode_prompt(recipe.negative_prompt, negative=True)

        return pad_to_longest([empty(), self.captioned], empty)[0]


def example_of(family: Stepped, image: Image.Image, recipe: Recipe) -> Example:
    """Encode a picture and its caption, the recipe's prompt.

    Args:
        family: Encodes them; its text encoders and its VAE are used.
        image: RGB, of the recipe's size.
        recipe: What would paint it.
    """
    [begun] = family.begin(recipe, InitImage(image))
    sample = cast(LatentSample, begun)
    assert sample.init_latents is not None, "it is there to be learnt"
    cpu = torch.device("cpu")
    kept = replace(
        sample,
        latents=sample.latents.to(cpu),
        noise=sample.noise.to(cpu),
        init_latents=None,
        conditioning=[_moved(each, cpu) for each in sample.conditioning],
        extra=_moved(sample.extra, cpu),
    )
    key = family.batch_key(sample), tuple(sample.init_latents.shape[1:])
    return Example(kept, sample.init_latents.float().to(cpu), key)


def _moved(tensors: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    return {
        name: value.to(device) if isinstance(value, torch.Tensor) else value
        for name, value in tensors.items()
    }
