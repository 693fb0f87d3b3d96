"""Makes checkpoints out of the shipped model, so that training can go on where they are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffusers import StableDiffusionPipeline

from training.course import CACHE, Course
from training.export import SKETCH

if TYPE_CHECKING:
    from torch import nn


def unpack() -> None:
    """Write the checkpoints of every stage: the shipped weights, and no optimizer's memory."""
    pipeline = StableDiffusionPipeline.from_pretrained(SKETCH)
    pipeline.tokenizer.save_pretrained(CACHE / "tokenizer")
    encoder = pipeline.text_encoder.state_dict()
    Course("text_encoder", 0).save(both={f"0.{name}": weight for name, weight in encoder.items()})
    _save("autoencoder", pipeline.vae)
    _save("decoder", pipeline.vae)
    _save("denoiser", pipeline.unet)


def _save(name: str, network: nn.Module) -> None:
    weights = network.state_dict()
    Course(name, 0).save(network=weights, average=weights)
