"""The denoiser: a small UNet that paints latents from the text encoder's tokens."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch.nn.functional import adaptive_max_pool2d

from training.autoencoder import LATENT_CHANNELS, trained_autoencoder
from training.captions import describe
from training.draw import draw_scene, pixels
from training.scenes import Scene, sample_scene
from training.text_encoder import HIDDEN, tokens_of, trained_text_encoder
from training.training_loop import MovingAverage, TrainingRun, set_rate
from training.workers import average_gradients

if TYPE_CHECKING:
    from diffusers import AutoencoderKL
    from torch import Tensor

SIZES = {(128, 128): 0.8, (160, 112): 0.1, (112, 160): 0.1}  # (width, height): share
POOL = 2400  # pictures a worker, at first
FRESH = 32  # pictures that replace others every so many steps
FRESH_EVERY = 20
BATCH = 16  # a worker
UNTITLED = 0.1  # share of empty captions, for classifier-free guidance
PEAK_RATE = 1.2e-3


def new_denoiser() -> UNet2DConditionModel:
    """Return an untrained UNet; text comes in at its lower level, shapes sharpen at its upper."""
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=(64, 128),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=HIDDEN,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def new_scheduler() -> DDIMScheduler:
    """Return the noise schedule: nearly nothing of the picture is left at its end."""
    return DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.02,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


@dataclass(frozen=True, slots=True)
class Pool:
    """Scenes with their latents, (n, channels, rows, columns), and the cells that show things."""

    scenes: list[Scene]
    latents: Tensor
    things: Tensor

    def refresh(self, other: Pool) -> None:
        """Replace as many rows, at random, as the other pool has."""
        rows = torch.randperm(len(self.scenes))[: len(other.scenes)]
        for row, scene in zip(rows.tolist(), other.scenes, strict=True):
            self.scenes[row] = scene
        self.latents[rows], self.things[rows] = other.latents, other.things


@torch.no_grad()
def encode_pool(
    autoencoder: AutoencoderKL, count: int, size: tuple[int, int], rng: random.Random
) -> Pool:
    """Draw `count` scenes and encode them."""
    scenes = [sample_scene(rng) for _ in range(count)]
    latents, things = [], []
    for start in range(0, count, 32):
        drawings = [draw_scene(scene, *size, rng=rng) for scene in scenes[start : start + 32]]
        batch = torch.from_numpy(np.stack([pixels(drawing.picture) for drawing in drawings]))
        batch = batch.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            mean = autoencoder.encode(batch).latent_dist.mean
        latents.append(mean.float())
        shown = torch.from_numpy(np.stack([drawing.labels > 0 for drawing in drawings]))
        things.append(adaptive_max_pool2d(shown[:, None].float(), mean.shape[-2:]))
    return Pool(scenes, torch.cat(latents), torch.cat(things))


def train_denoiser(worker: int, minutes: float) -> None:
    """Train by v-prediction (Salimans & Ho 2022, https://arxiv.org/abs/2202.00512).

    With signal share a = sqrt(alphas_cumprod) and noise share s = sqrt(1 - alphas_cumprod), the
    network sees a x + s e and predicts v = a e - s x. The loss is weighted by min-SNR (Hang et
    al. 2023, https://arxiv.org/abs/2303.09556), for v: min(SNR, 5) / (SNR + 1).
    """
    torch.manual_seed(worker)
    course = TrainingRun("denoiser", minutes)
    tokenizer, text_encoder = trained_text_encoder()
    autoencoder = trained_autoencoder().to(memory_format=torch.channels_last)
    torch.manual_seed(0)
    network = new_denoiser().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        network.parameters(), betas=(0.9, 0.99), weight_decay=1e-2, fused=True
    )
    average = MovingAverage(network, 0.9985)
    course.resume(network, optimizer, average)
    seed = 1000 * worker + course.step
    torch.manual_seed(seed)
    rng = random.Random(seed)
    pools = [encode_pool(autoencoder, int(POOL * s), size, rng) for size, s in SIZES.items()]
    kept = new_scheduler().alphas_cumprod
    course.begin()
    losses: list[float] = []

    def save() -> None:
        if worker == 0:
            course.keep(network, optimizer, average)

    while course.advance():
        set_rate(optimizer, course.rate(PEAK_RATE))
        pool = rng.choices(pools, list(SIZES.values()))[0]
        rows = torch.randint(len(pool.scenes), (BATCH,))
        captions = [describe(pool.scenes[row], rng) for row in rows.tolist()]
        captions = ["" if rng.random() < UNTITLED else caption for caption in captions]
        latents, things = pool.latents[rows], pool.things[rows]
        latents = latents.contiguous(memory_format=torch.channels_last)
        noise = torch.randn_like(latents)
        times = torch.randint(len(kept), (BATCH,))
        signal = kept[times].sqrt()[:, None, None, None]
        blur = (1 - kept[times]).sqrt()[:, None, None, None]
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                tokens = text_encoder(tokens_of(tokenizer, captions)).last_hidden_state
            velocity = network(signal * latents + blur * noise, times, tokens).sample
        ratio = kept[times] / (1 - kept[times])
        weight = (ratio.clamp(max=5) / (ratio + 1))[:, None, None, None] * (0.6 + things)
        loss = (weight * (velocity.float() - (signal * noise - blur * latents)).square()).mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        average_gradients(network, course)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        average.update(network, course.step)
        losses.append(loss.item())
        if course.step % FRESH_EVERY == 0:
            number = rng.choices(range(len(pools)), list(SIZES.values()))[0]
            fresh = encode_pool(autoencoder, FRESH, list(SIZES)[number], rng)
            pools[number].refresh(fresh)
        if course.step % 50 == 0 and worker == 0:
            mean = sum(losses[-200:]) / len(losses[-200:])
            print(f"denoiser {course.step} {course.spent:.0f}s loss {mean:.4f}", flush=True)
        if course.step % 200 == 0:
            save()
    save()


def trained_denoiser() -> UNet2DConditionModel:
    """Return the denoiser with its averaged weights."""
    saved = TrainingRun("denoiser", 1).restore()
    if saved is None:
        raise SystemExit("Train the denoiser first: python -m training denoiser")
    network = new_denoiser()
    network.load_state_dict(saved["average"])
    return network.eval()
