"""Makes checkpoints out of the shipped model, so that training can go on where they are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffusers import StableDiffusionPipeline

from training.export import SKETCH
from training.training_loop import CACHE, TrainingRun

if TYPE_CHECKING:
    from torch import nn


def restore_checkpoints() -> None:
    """Write the checkpoints of every stage: the shipped weights, and no optimizer's memory."""
    pipeline = StableDiffusionPipeline.from_pretrained(SKETCH)
    pipeline.tokenizer.save_pretrained(CACHE / "tokenizer")
    encoder = pipeline.text_encoder.state_dict()
    TrainingRun("text_encoder", 0).save(
        both={f"0.{name}": weight for name, weight in encoder.items()}
    )
    _save("autoencoder", pipeline.vae)
    _save("decoder", pipeline.vae)
    _save("denoiser", pipeline.unet)


def _save(name: str, network: nn.Module) -> None:
    weights = network.state_dict()
    TrainingRun(name, 0).save(network=weights, average=weights)
