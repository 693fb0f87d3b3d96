"""Who tells whether a picture shows a zork: a small network that has seen drawn ones."""

import random
from itertools import pairwise

import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from benchmarks.training.zork import PARTS, draw_picture, values_of
from training.draw import draw_scene
from training.export import SKETCH
from training.scenes import sample_scene

BACKGROUNDS = (
    *("paper", "night", "sunset", "meadow", "sea", "snow", "desert"),
    *("red", "orange", "yellow", "green", "blue", "pink", "white"),
)
PICTURES = 1500
STEPS, BATCH, RATE = 1000, 32, 2e-3


class Judge(nn.Module):
    """Says how much a picture of 128 by 128 pixels looks like a zork: above 0 it is one."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 32, 48, 64)
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(pairwise(widths)):
            kernel = 5 if number == 0 else 3
            layers += [
                nn.Conv2d(before, after, kernel, 2, kernel // 2),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
        self.features = nn.Sequential(*layers)
        self.verdict = nn.Linear(64, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Shape (n,), for pictures from -1 to 1 of shape (n, 3, 128, 128)."""
        verdict: Tensor = self.verdict(self.features(pictures).amax((2, 3)))
        return verdict.squeeze(1)

    @torch.no_grad()
    def finds(self, pictures: Tensor) -> list[bool]:
        """Whether each of them shows a zork."""
        verdicts = torch.cat([self(part) for part in torch.split(pictures, 32)])
        return [bool(verdict > 0) for verdict in verdicts]


def drawn(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Pictures, a third of them with a zork, and which those are.

    The others show other things, or zorks that lack a part. Half of them have gone through the
    model's autoencoder, as all of its pictures have.
    """
    rng = random.Random(seed)
    pictures, labels = [], []
    for number in range(count):
        background = rng.choice(BACKGROUNDS)
        match number % 3:
            case 0:
                pictures.append(draw_picture(rng, background))
            case 1:
                pictures.append(draw_picture(rng, background, rng.choice(PARTS[:4])))
            case _:
                pictures.append(draw_scene(sample_scene(rng), rng=rng).picture.convert("RGB"))
        labels.append(float(number % 3 == 0))
    values = values_of(pictures)
    through = torch.rand(count, generator=torch.Generator().manual_seed(seed)) < 0.5
    values[through] = _through_autoencoder(values[through])
    return values, torch.tensor(labels)


def trained_judge(seed: int = 0) -> Judge:
    """A judge that has seen drawn pictures; about a minute."""
    torch.manual_seed(seed)
    judge = Judge()
    pictures, labels = drawn(PICTURES, seed)
    optimizer = torch.optim.AdamW(judge.parameters(), RATE)
    for step in range(STEPS):
        rows = torch.randint(len(pictures), (BATCH,))
        noise = torch.randn(BATCH, *pictures.shape[1:]) * torch.rand(()) * 0.1
        loss = binary_cross_entropy_with_logits(judge(pictures[rows] + noise), labels[rows])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / STEPS)
    return judge.eval()


@torch.no_grad()
def _through_autoencoder(pictures: Tensor) -> Tensor:
    autoencoder = AutoencoderKL.from_pretrained(SKETCH, subfolder="vae")
    parts = [
        autoencoder.decode(autoencoder.encode(part).latent_dist.mode()).sample
        for part in torch.split(pictures, 32)
    ]
    return torch.cat(parts).clamp(-1, 1)
