"""Puts the trained networks together as a pipeline folder, in half precision."""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from torch.nn.functional import avg_pool2d

from training.autoencoder import trained_autoencoder
from training.denoiser import new_scheduler, trained_denoiser
from training.draw import draw_scene, pixels
from training.model_card import model_card
from training.scenes import sample_scene
from training.text_encoder import trained_text_encoder

SKETCH = Path(__file__).parent.parent / "engine" / "sketch"
LARGEST = 16_000_000  # bytes


def export(folder: Path = SKETCH) -> int:
    """Write the pipeline to `folder`, each file at once, and return its size in bytes."""
    tokenizer, text_encoder = trained_text_encoder()
    autoencoder = trained_autoencoder()
    pipeline = StableDiffusionPipeline(
        vae=autoencoder,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=trained_denoiser(),
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        image_encoder=None,
        requires_safety_checker=False,
    )
    preview = fit_preview(pipeline)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        pipeline.to(torch.float16).save_pretrained(temporary, safe_serialization=True)
        made = Path(temporary)
        _load_in_full_precision(made / "text_encoder" / "config.json")
        (made / "preview.json").write_text(json.dumps(preview, indent=2) + "\n")
        (made / "README.md").write_text(model_card())
        size = sum(file.stat().st_size for file in made.rglob("*") if file.is_file())
        if size > LARGEST:
            raise SystemExit(f"The model takes {size:,} bytes, more than {LARGEST:,}.")
        _move(made, folder)
    return size


def _load_in_full_precision(config: Path) -> None:
    """Let transformers load this half-precision file as diffusers loads the others: in float32."""
    config.write_text(json.dumps(json.loads(config.read_text()) | {"dtype": "float32"}, indent=2))


def _move(made: Path, folder: Path) -> None:
    wanted = {file.relative_to(made) for file in made.rglob("*") if file.is_file()}
    for name in sorted(wanted):
        (made / name).chmod(0o644)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(made / name, folder / name)
    for file in [file for file in folder.rglob("*") if file.is_file()]:
        if file.relative_to(folder) not in wanted:
            file.unlink()
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()


@torch.no_grad()
def fit_preview(pipeline: StableDiffusionPipeline) -> dict[str, list[list[float]] | list[float]]:
    """Fit, by least squares, the linear map from latents to RGB (0 to 1) at an eighth of the size.

    The result has `factors`, one [r, g, b] for each latent channel, and `bias`, [r, g, b].
    """
    rng = random.Random(5)
    drawn = [pixels(draw_scene(sample_scene(rng)).picture) for _ in range(96)]
    pictures = torch.from_numpy(np.stack(drawn))
    latents = pipeline.vae.encode(pictures).latent_dist.mean.permute(0, 2, 3, 1).flatten(0, 2)
    small = avg_pool2d(pictures, 8) / 2 + 0.5
    known = torch.cat([latents, torch.ones(len(latents), 1)], 1)
    solution = torch.linalg.lstsq(known, small.permute(0, 2, 3, 1).flatten(0, 2)).solution
    rows = [[round(value, 5) for value in row] for row in solution.tolist()]
    return {"factors": rows[:-1], "bias": rows[-1]}
