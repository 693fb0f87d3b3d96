"""More variety among pictures of one prompt, by adding noise to the conditioning.

This is the condition-annealed sampler of Sadat et al., "CADS: Unleashing the Diversity of
Diffusion Models through Condition-Annealed Sampling" (2024), algorithm 1: the conditioning
is noise while the composition is decided, and becomes clear as the picture takes form.
"""

import torch

from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.sending import sent

TAU_1, TAU_2 = 0.6, 0.9
"""Shares of the noise left below which the conditioning is clear, and above which it is all noise;
the paper's values for Stable Diffusion."""

NOISE_SCALE = 0.25
"""Deviation of the noise relative to the conditioning's, the paper's s for Stable Diffusion."""

SALT = 0xCAD5
"""Makes the conditioning's noise differ from that of the latents, which have the same seed."""


def condition_noise_generator(seed: int) -> torch.Generator:
    """The generator of the conditioning's noise for the picture with that seed."""
    return torch.Generator("cpu").manual_seed(seed ^ (SALT << 32))


def add_condition_noise(
    conditioning: Conditioning, chaos: int, noise_left: float, generator: torch.Generator
) -> Conditioning:
    """The conditioning with as much noise as belongs to this step.

    Args:
        conditioning: The embeddings of the prompt, under `embeds`, and what goes with them.
        chaos: 0 for no noise, to 100 for all of the paper's noise.
        noise_left: Share of the noise that the latents still have, 1 to 0.
        generator: Drawn from once in each step that adds noise.
    """
    gamma = min(max((TAU_2 - noise_left) / (TAU_2 - TAU_1), 0.0), 1.0)
    if gamma == 1 or not chaos:
        return conditioning
    embeds = conditioning["embeds"]
    exact = embeds.float()
    mean, deviation = exact.mean(), exact.std()
    noise = sent(torch.randn(embeds.shape, generator=generator), exact.device)
    noisy = gamma**0.5 * exact + NOISE_SCALE * deviation * (1 - gamma) ** 0.5 * noise
    # The denoiser expects the mean and deviation of the prompt's own embeddings.
    rescaled = (noisy - noisy.mean()) / noisy.std() * deviation + mean
    share = chaos / 100
    mixed = (1 - share) * exact + share * rescaled
    return {**conditioning, "embeds": mixed.to(embeds.dtype)}
