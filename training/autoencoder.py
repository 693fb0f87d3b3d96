"""The autoencoder: pictures to latents of an eighth of their size, and back."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch.nn.functional import l1_loss, mse_loss

from training.draw import draw_scene
from training.scenes import sample_scene
from training.training_loop import MovingAverage, TrainingRun, set_rate
from training.workers import average_gradients

if TYPE_CHECKING:
    from torch import Tensor

LATENT_CHANNELS = 8
POOL = 3000


def new_autoencoder() -> AutoencoderKL:
    """Return an untrained autoencoder; with no attention, it takes pictures of any size."""
    network = AutoencoderKL(
        latent_channels=LATENT_CHANNELS,
        block_out_channels=(16, 32, 48, 96),
        layers_per_block=1,
        norm_num_groups=8,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        mid_block_add_attention=False,
        sample_size=128,
        scaling_factor=1.0,
    )
    with torch.no_grad():
        network.quant_conv.weight[LATENT_CHANNELS:] *= 0.1
        network.quant_conv.bias[LATENT_CHANNELS:] = -5.0  # begin with little noise
    return network


def draw_pool(count: int, rng: random.Random) -> tuple[Tensor, Tensor]:
    """Draw training pictures, (count, 3, 128, 128), and their labels, (count, 128, 128); uint8."""
    drawings = [draw_scene(sample_scene(rng), rng=rng) for _ in range(count)]
    pictures = torch.from_numpy(np.stack([np.asarray(each.picture) for each in drawings]))
    labels = torch.from_numpy(np.stack([each.labels for each in drawings]))
    return pictures.permute(0, 3, 1, 2).contiguous(), labels


def _differences(pictures: Tensor) -> tuple[Tensor, Tensor]:
    return pictures[..., :, 1:] - pictures[..., :, :-1], pictures[..., 1:, :] - pictures[
        ..., :-1, :
    ]


def reconstruction_loss(painted: Tensor, drawn: Tensor) -> Tensor:
    """Return L1 + L2 of the pixels, and L1 of their differences, which keeps edges crisp."""
    loss = l1_loss(painted, drawn) + mse_loss(painted, drawn)
    for mine, theirs in zip(_differences(painted), _differences(drawn), strict=True):
        loss = loss + 0.5 * l1_loss(mine, theirs)
    return loss


def train_autoencoder(worker: int, minutes: float) -> None:
    """Train on small crops of drawn pictures, then on larger ones, and on whole ones at the end."""
    torch.manual_seed(0)
    course = TrainingRun("autoencoder", minutes)
    network = new_autoencoder().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        network.parameters(), betas=(0.9, 0.99), weight_decay=1e-4, fused=True
    )
    average = MovingAverage(network, 0.998)
    course.resume(network, optimizer, average)
    torch.manual_seed(1000 * worker + course.step)
    pool = draw_pool(POOL, random.Random(1000 * worker + course.step))
    course.begin()

    def save() -> None:
        if worker == 0:
            course.keep(network, optimizer, average)

    while course.advance():
        set_rate(optimizer, course.rate(2e-3))
        size = 32 if course.progress < 0.4 else 64 if course.progress < 0.8 else 128
        drawn = _crops(*pool, 24 if size == 32 else 6 if size == 64 else 2, size)
        with torch.autocast("cpu", torch.bfloat16):
            posterior = network.encode(drawn).latent_dist
            painted = network.decode(posterior.sample()).sample
        mean, log_variance = posterior.mean.float(), posterior.logvar.float()
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        loss = reconstruction_loss(painted.float(), drawn) + 2e-4 * divergence
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        average_gradients(network, course)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        average.update(network, course.step)
        if course.step % 50 == 0 and worker == 0:
            print(
                f"autoencoder {course.step} {course.spent:.0f}s loss {loss.item():.4f} "
                f"l1 {l1_loss(painted.float(), drawn).item():.4f} kl {divergence.item():.2f}",
                flush=True,
            )
        if course.step % 250 == 0:
            save()
    save()


def _crops(pictures: Tensor, labels: Tensor, count: int, size: int) -> Tensor:
    """Cut windows out of the pictures, most of them around things: (count, 3, size, size)."""
    room = pictures.shape[-1] - size
    windows = []
    for index in torch.randint(len(pictures), (count,)).tolist():
        shown = labels[index].nonzero()
        if room and len(shown) and torch.rand(()) < 0.85:
            around = shown[int(torch.randint(len(shown), ()))] - size // 2
            top, left = (around + torch.randint(-8, 9, (2,))).clamp(0, room).tolist()
        else:
            top, left = torch.randint(room + 1, (2,)).tolist()
        windows.append(pictures[index, :, top : top + size, left : left + size])
    batch = torch.stack(windows).float() / 127.5 - 1
    return batch.contiguous(memory_format=torch.channels_last)


def trained_autoencoder() -> AutoencoderKL:
    """Return the trained autoencoder, its latents scaled to zero mean and unit variance.

    The scaling is folded into the two 1x1 convolutions around the latents, so that
    `scaling_factor` stays 1.
    """
    saved = TrainingRun("autoencoder", 1).restore()
    if saved is None:
        raise SystemExit("Train the autoencoder first: python -m training vae")
    network = new_autoencoder()
    network.load_state_dict(saved["average"])
    network.eval()
    with torch.no_grad():
        pool = draw_pool(256, random.Random(1))[0].float() / 127.5 - 1
        means = torch.cat([network.encode(part).latent_dist.mean for part in torch.split(pool, 32)])
        mean, deviation = means.mean((0, 2, 3)), means.std((0, 2, 3))
        _fold(network, mean, deviation)
    if polished := TrainingRun("decoder", 1).restore():
        network.load_state_dict(polished["average"])
    return network


def _fold(network: AutoencoderKL, mean: Tensor, deviation: Tensor) -> None:
    """Let `quant_conv` give (latent - mean) / deviation and `post_quant_conv` undo it."""
    into, back = network.quant_conv, network.post_quant_conv
    channels = len(mean)
    into.weight[:channels] /= deviation[:, None, None, None]
    into.bias[:channels] = (into.bias[:channels] - mean) / deviation
    into.bias[channels:] -= 2 * deviation.log()
    back.bias += (back.weight[:, :, 0, 0] * mean).sum(1)
    back.weight *= deviation[None, :, None, None]
