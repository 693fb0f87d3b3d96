"""Variety: pictures of one prompt that are less alike, by noise in what the denoiser is told.

This is the condition-annealed sampler of Sadat et al., "CADS: Unleashing the Diversity of
Diffusion Models through Condition-Annealed Sampling" (2024), algorithm 1: the prompt is drowned in
noise while the composition is decided, and comes through as the picture takes form.
"""

import torch

from engine.diffusion.families.conditioning import Conditioning

CLEAR_UNTIL, DROWNED_FROM = 0.6, 0.9
"""Shares of the noise left up to which the prompt is clear, and from which on it is drowned (the
paper's tau_1 and tau_2 for Stable Diffusion)."""

NOISE = 0.25
"""Deviation of the noise in units of the prompt's (the paper's s for Stable Diffusion)."""

SALT = 0xCAD5
"""Sets the noise of the prompt apart from that of the picture, which has the same seed."""


def condition_noise_generator(seed: int) -> torch.Generator:
    """Where the noise in the prompt of the picture with that seed comes from."""
    return torch.Generator("cpu").manual_seed(seed ^ (SALT << 32))


def add_condition_noise(
    conditioning: Conditioning, chaos: int, noise_left: float, generator: torch.Generator
) -> Conditioning:
    """What the denoiser is told, under as much noise as belongs to this step.

    Args:
        conditioning: Embeddings of the prompt, under `embeds`, and whatever goes with them.
        chaos: 0, for as it is, to 100, for all of the paper's noise.
        noise_left: Share of the noise that the picture still has, 1 to 0.
        generator: One draw is made from it in each step that has noise in its prompt.
    """
    clear = (DROWNED_FROM - noise_left) / (DROWNED_FROM - CLEAR_UNTIL)
    gamma = min(max(clear, 0.0), 1.0)
    if gamma == 1 or not chaos:
        return conditioning
    embeds = conditioning["embeds"]
    exact = embeds.float()
    mean, deviation = exact.mean(), exact.std()
    noise = torch.randn(embeds.shape, generator=generator).to(exact)
    drowned = gamma**0.5 * exact + NOISE * deviation * (1 - gamma) ** 0.5 * noise
    # Mean and deviation of the prompt's own are what the denoiser knows how to read.
    rescaled = (drowned - drowned.mean()) / drowned.std() * deviation + mean
    share = chaos / 100
    mixed = (1 - share) * exact + share * rescaled
    return {**conditioning, "embeds": mixed.to(embeds.dtype)}
