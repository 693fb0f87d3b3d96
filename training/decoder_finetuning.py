"""The decoder's last lessons: clean pictures from whole latents that are a little wrong.

The encoder rests meanwhile, so this may run before, after or beside the denoiser's training.
"""

from __future__ import annotations

import random

import torch

from training.autoencoder import draw_pool, reconstruction_loss, trained_autoencoder
from training.training_loop import MovingAverage, TrainingRun, set_rate
from training.workers import average_gradients

POOL = 2000
BATCH = 3
ERROR = 0.2  # of a latent's deviation, at most


def polish_decoder(worker: int, minutes: float) -> None:
    """Train only what turns latents into pictures, with noise on the latents."""
    course = TrainingRun("decoder", minutes)
    network = trained_autoencoder().to(memory_format=torch.channels_last)
    network.requires_grad_(False)
    taught = torch.nn.ModuleList([network.decoder, network.post_quant_conv])
    taught.requires_grad_(True)
    optimizer = torch.optim.AdamW(taught.parameters(), betas=(0.9, 0.99), fused=True)
    average = MovingAverage(network, 0.995)
    course.resume(network, optimizer, average)
    seed = 1000 * worker + course.step
    torch.manual_seed(seed)
    pool, _ = draw_pool(POOL, random.Random(seed))
    course.begin()

    def save() -> None:
        if worker == 0:
            course.keep(network, optimizer, average)

    while course.advance():
        set_rate(optimizer, course.rate(1.5e-3, warm_up=30))
        drawn = pool[torch.randint(len(pool), (BATCH,))].float() / 127.5 - 1
        drawn = drawn.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                latents = network.encode(drawn).latent_dist.mean
            error = torch.rand(BATCH, 1, 1, 1) * ERROR
            painted = network.decode(latents + error * torch.randn_like(latents)).sample.float()
        loss = reconstruction_loss(painted, drawn)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        average_gradients(taught, course)
        torch.nn.utils.clip_grad_norm_(taught.parameters(), 1.0)
        optimizer.step()
        average.update(network, course.step)
        if course.step % 50 == 0 and worker == 0:
            print(f"decoder {course.step} {course.spent:.0f}s loss {loss.item():.4f}", flush=True)
        if course.step % 200 == 0:
            save()
    save()
