"""What one kind of pipeline does its own way: prompts, noise, guidance, the denoiser, the VAE.

`Stepped` calls these methods. What most pipelines do alike is written here, a family overrides the
rest. Random draws come in the order of its Diffusers pipeline, so equal seeds give equal pictures.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, cast

import torch
from diffusers.utils.torch_utils import randn_tensor
from PIL import Image

from engine.diffusion.families.base import InitImage
from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.control_networks import LoadedControl
from engine.diffusion.families.latent_sample import DenoiserBatch, LatentSample
from engine.diffusion.offload import OffloadedComponents
from engine.diffusion.previews import LatentMap
from engine.jobs.recipe import Recipe
from engine.models.families import FAMILIES, FamilyFacts


class LatentFamily(ABC):
    """A loaded pipeline whose denoiser works on a VAE's latents."""

    family: ClassVar[str]
    """Name in `engine.models.families.FAMILIES`."""

    latent_map: ClassVar[LatentMap | None] = None
    """Makes previews of its latents; without one there are none."""

    def __init__(self, pipe: Any, components: OffloadedComponents) -> None:
        """Take a loaded pipeline.

        Args:
            pipe: The Diffusers pipeline.
            components: Brings its components to the device.
        """
        self._pipe = pipe
        self._components = components

    @property
    def facts(self) -> FamilyFacts:
        """The family's entry in `FAMILIES`."""
        return FAMILIES[self.family]

    @property
    def _denoiser(self) -> Any:
        return getattr(self._pipe, self.facts.denoiser)

    @abstractmethod
    def encode_prompt(self, text: str, *, negative: bool) -> Conditioning:
        """Encode one prompt; the text encoders are on the device."""

    def encode_prompt_beside(
        self, references: Sequence[Image.Image], text: str, *, negative: bool
    ) -> Conditioning:
        """Encode one prompt; only some text encoders see reference pictures."""
        return self.encode_prompt(text, negative=negative)

    def encode_references(self, references: Sequence[Image.Image]) -> dict[str, Any]:
        """What a sample keeps in `extra` of reference pictures; the VAE is on the device.

        Args:
            references: Of any size; RGB, but for a family that sees what is transparent.

        Raises:
            InvalidRequest: One is too small or too narrow.
        """
        raise NotImplementedError(f"{self.facts.label} takes no references")

    def encode_control(
        self,
        image: Image.Image,
        recipe: Recipe,
        loaded: LoadedControl,
        generator: torch.Generator,
    ) -> torch.Tensor:
        """The map as the control network takes it, with a batch of one; the VAE is on the device.

        Args:
            image: The map, in the recipe's shape.
            recipe: What is to be painted.
            loaded: The network.
            generator: The sample's own, which has drawn nothing yet.
        """
        raise NotImplementedError(f"{self.facts.label} takes no control")

    def pad_conditioning(
        self, recipe: Recipe, conditioning: list[Conditioning]
    ) -> list[Conditioning]:
        """Bring negative and positive prompt to one length, where the denoiser needs it."""
        return conditioning

    def uses_guidance(self, recipe: Recipe) -> bool:
        """Whether the denoiser is called with the negative prompt too."""
        return recipe.guidance_scale > 1

    def apply_guidance(
        self, sample: LatentSample, negative: torch.Tensor, positive: torch.Tensor
    ) -> torch.Tensor:
        """Classifier-free guidance (Ho and Salimans, 2022, equation 6, with w = scale - 1)."""
        return negative + sample.recipe.guidance_scale * (positive - negative)

    def latent_size(self, recipe: Recipe) -> tuple[int, int]:
        """Height and width of the latents."""
        factor = self._pipe.vae_scale_factor
        return recipe.height // factor, recipe.width // factor

    @property
    def latent_channels(self) -> int:
        """Channels of the latents, before `pack`."""
        return int(self._denoiser.config.in_channels)

    def noise_dtype(self, recipe: Recipe) -> torch.dtype:
        """Precision that noise is drawn in: in another one the same seed gives other noise."""
        return cast(torch.dtype, self._denoiser.dtype)

    def new_noise(self, recipe: Recipe, generator: torch.Generator) -> torch.Tensor:
        """Noise of variance 1, packed."""
        shape = (1, self.latent_channels, *self.latent_size(recipe))
        dtype = self.noise_dtype(recipe)
        return self.pack(randn_tensor(shape, generator, self._components.device, dtype))

    def pack(self, latents: torch.Tensor) -> torch.Tensor:
        """Bring latents of shape (1, channels, height, width) to the scheduler's shape."""
        return latents

    def unpack(self, latents: torch.Tensor, recipe: Recipe) -> torch.Tensor:
        """Bring them back to the shape (1, channels, height, width)."""
        return latents

    def set_timesteps(self, recipe: Recipe, scheduler: Any) -> None:
        """Set the scheduler's timesteps for the recipe's number of steps.

        They stay on the CPU, and sigmas with them: schedulers look at their values at every step,
        and each look at a value on a card would wait for all that the card has been given to do.
        """
        scheduler.set_timesteps(recipe.num_inference_steps, device="cpu")

    def skipped_steps(self, recipe: Recipe) -> int:
        """Steps that an image-to-image job skips, by its strength."""
        steps = recipe.num_inference_steps
        return steps - min(max(int(steps * recipe.strength), 1), steps)

    def preprocess(self, init_image: InitImage, recipe: Recipe) -> torch.Tensor:
        """Resize the image to the recipe's size: -1 to 1, shape (1, 3, height, width)."""
        processor = self._pipe.image_processor
        pixels = processor.preprocess(init_image.image, height=recipe.height, width=recipe.width)
        return cast(torch.Tensor, pixels.to(self._components.device, self._pipe.vae.dtype))

    def encode_image(
        self, pixels: torch.Tensor, recipe: Recipe, generator: torch.Generator
    ) -> torch.Tensor:
        """Encode an image into packed latents, normalised; the VAE is on the device.

        Args:
            pixels: -1 to 1, shape (1, 3, height, width).
            recipe: What is to be painted from it.
            generator: The sample's own, for the VAE's distribution.
        """
        config = self._pipe.vae.config
        latents = self._pipe.vae.encode(pixels).latent_dist.sample(generator)
        latents = (latents - (config.get("shift_factor") or 0.0)) * config.scaling_factor
        return self.pack(latents.to(self.noise_dtype(recipe)))

    def init_latents(
        self, recipe: Recipe, init_image: InitImage, generator: torch.Generator
    ) -> torch.Tensor | None:
        """Latents of the init image; `None` to start from pure noise all the same."""
        return self.encode_image(self.preprocess(init_image, recipe), recipe, generator)

    def prepare(self, sample: LatentSample, init_image: InitImage | None) -> None:  # noqa: B027
        """Fill a new sample's `extra`; the VAE is on the device if there is an init image."""

    def model_input(self, sample: LatentSample, latents: torch.Tensor) -> torch.Tensor:
        """What the denoiser takes for a sample's scaled latents."""
        return latents

    @abstractmethod
    def denoise(self, batch: DenoiserBatch) -> torch.Tensor:
        """Call the denoiser once: one prediction for each input, of its latents' shape."""

    def after_step(self, sample: LatentSample, latents: torch.Tensor) -> torch.Tensor:
        """Change a sample's new latents after a scheduler step."""
        return latents

    def decode(self, sample: LatentSample) -> torch.Tensor:
        """Decode to pixels in -1 to 1, shape (1, 3, height, width); the VAE is on the device."""
        vae = self._pipe.vae
        latents = self.unpack(sample.latents, sample.recipe).to(vae.dtype)
        latents = latents / vae.config.scaling_factor + (vae.config.get("shift_factor") or 0.0)
        return cast(torch.Tensor, vae.decode(latents, return_dict=False)[0])
