"""The segmenter: a small network, apart from the model, that tells which pixels show what."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.functional import cross_entropy, interpolate, relu

from training.draw import BACKDROP, draw_scene, pixels
from training.scenes import THINGS, sample_scene

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS = Path(__file__).parent / "segmenter.safetensors"


class Segmenter(nn.Module):
    """Segments a picture at a quarter of its size, with context from a sixteenth."""

    def __init__(self) -> None:
        super().__init__()
        self.half_size = nn.Conv2d(3, 16, 5, 2, 2)
        self.quarter_size = nn.Conv2d(16, 40, 3, 2, 1)
        self.eighth_size = nn.Conv2d(40, 64, 3, 2, 1)
        self.sixteenth_size = nn.Conv2d(64, 96, 3, 2, 1)
        self.deep = nn.ModuleList(nn.Conv2d(96, 96, 3, 1, 1) for _ in range(2))
        self.join_eighth = nn.Conv2d(96 + 64, 64, 3, 1, 1)
        self.join_quarter = nn.Conv2d(64 + 40, 48, 1)
        self.label = nn.Conv2d(48, len(THINGS) + 1, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in (16, 40, 64, 96, 64, 48))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits (n, labels, height / 4, width / 4) for pictures from -1 to 1."""
        half = relu(self.norms[0](self.half_size(pictures)))
        quarter = relu(self.norms[1](self.quarter_size(half)))
        eighth = relu(self.norms[2](self.eighth_size(quarter)))
        deep = relu(self.norms[3](self.sixteenth_size(eighth)))
        for layer in self.deep:
            deep = deep + relu(layer(deep))
        joined = torch.cat([interpolate(deep, eighth.shape[-2:]), eighth], 1)
        joined = relu(self.norms[4](self.join_eighth(joined)))
        joined = torch.cat([interpolate(joined, quarter.shape[-2:]), quarter], 1)
        joined = relu(self.norms[5](self.join_quarter(joined)))
        logits: Tensor = self.label(joined)
        return logits


def _drawn(count: int, rng: random.Random, *, held_out: bool = False) -> tuple[Tensor, Tensor]:
    """Draw pictures, (n, 3, 128, 128), and their labels at a quarter of the size, (n, 32, 32)."""
    scenes = (sample_scene(rng, held_out=held_out) for _ in range(count))
    drawings = [draw_scene(scene, rng=rng) for scene in scenes]
    pictures = torch.from_numpy(np.stack([pixels(drawing.picture) for drawing in drawings]))
    labels = torch.from_numpy(np.stack([drawing.labels[2::4, 2::4] for drawing in drawings]))
    return pictures, labels.long()


def _with_noise(pictures: Tensor) -> Tensor:
    """Blur and add noise, so that the segmenter does not depend on drawn edges."""
    if torch.rand(()) < 0.5:
        small = interpolate(pictures, scale_factor=float(torch.empty(()).uniform_(0.35, 0.9)))
        pictures = interpolate(small, size=pictures.shape[-2:], mode="bilinear")
    return pictures + torch.randn_like(pictures) * torch.rand(()) * 0.08


def train_segmenter(minutes: float = 5, batch: int = 16) -> None:
    """Train on drawn pictures and keep the weights in the repository."""
    torch.manual_seed(0)
    rng = random.Random("eye")
    segmenter = Segmenter()
    optimizer = torch.optim.AdamW(segmenter.parameters(), 3e-3, fused=True)
    weights = torch.ones(len(THINGS) + 1)
    weights[BACKDROP] = 0.3  # most pixels show no thing
    start, step = time.monotonic(), 0
    while (progress := (time.monotonic() - start) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * (1 - progress)
        pictures, labels = _drawn(batch, rng)
        loss = cross_entropy(segmenter(_with_noise(pictures)), labels, weight=weights)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        step += 1
        if step % 100 == 0:
            print(f"segmenter {step} loss {loss.item():.4f}", flush=True)
    save_file({name: weight.half() for name, weight in segmenter.state_dict().items()}, WEIGHTS)


def load_segmenter() -> Segmenter:
    """Return the trained segmenter."""
    segmenter = Segmenter()
    segmenter.load_state_dict({name: weight.float() for name, weight in load_file(WEIGHTS).items()})
    return segmenter.eval()


@torch.no_grad()
def segment(segmenter: Segmenter, pictures: Tensor) -> Tensor:
    """Return the label of every pixel, (n, height, width)."""
    logits = torch.cat([segmenter(part) for part in torch.split(pictures, 32)])
    return interpolate(logits, size=pictures.shape[-2:], mode="bilinear").argmax(1)
