"""The text encoder: a small CLIP text model that first learns to tell what stands where.

Before any picture is painted, its tokens must let a grid of queries read the scene's layout:
the thing and the colour in every cell, and the background. Cross-attention of the denoiser is
such a grid of queries, so what it needs lies ready in the tokens.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from training.captions import describe
from training.scenes import BACKGROUNDS, COLOURS, THINGS, Scene, lay_out, sample_scene
from training.tokenizer import LENGTH, new_tokenizer
from training.training_loop import CACHE, TrainingRun, set_rate

if TYPE_CHECKING:
    from torch import Tensor

HIDDEN = 192
GRID = 8
BATCH = 64


def new_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Return an untrained text encoder for this tokenizer."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=HIDDEN,
            intermediate_size=384,
            projection_dim=HIDDEN,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=LENGTH,
            hidden_act="quick_gelu",
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


class LayoutReader(nn.Module):
    """Reads a scene's layout from text tokens, by one cross-attention per cell of a grid."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.Parameter(torch.randn(GRID * GRID, HIDDEN) * 0.3)
        self.attention = nn.MultiheadAttention(HIDDEN, 4, batch_first=True)
        self.thing = nn.Linear(HIDDEN, len(THINGS) + 1)
        self.colour = nn.Linear(HIDDEN, len(COLOURS) + 1)
        self.background = nn.Linear(HIDDEN, len(BACKGROUNDS))

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits of thing and colour, (n, cells, classes), and background, (n, classes)."""
        queries = self.cells.expand(len(tokens), -1, -1)
        seen = self.attention(queries, tokens, tokens, need_weights=False)[0]
        return self.thing(seen), self.colour(seen), self.background(seen.mean(1))


def layout_targets(scenes: list[Scene]) -> tuple[Tensor, Tensor, Tensor]:
    """Return thing and colour per cell, (n, cells), and background, (n,); 0 is no thing."""
    things = torch.zeros(len(scenes), GRID, GRID, dtype=torch.long)
    colours = torch.zeros_like(things)
    middles = (torch.arange(GRID) + 0.5) / GRID
    for index, scene in enumerate(scenes):
        for slot in lay_out(scene):
            half = min(slot.width, slot.height) / 2
            rows, columns = (middles - slot.y).abs() < half, (middles - slot.x).abs() < half
            inside = rows[:, None] & columns[None, :]
            things[index][inside] = THINGS.index(slot.group.thing) + 1
            colours[index][inside] = COLOURS.index(slot.group.colour) + 1
    background = torch.tensor([BACKGROUNDS.index(scene.background) for scene in scenes])
    return things.flatten(1), colours.flatten(1), background


def tokens_of(tokenizer: CLIPTokenizer, captions: list[str]) -> Tensor:
    """Return the captions' token ids as the pipeline makes them: (n, LENGTH)."""
    ids: Tensor = tokenizer(
        captions, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt"
    ).input_ids
    return ids


def train_text_encoder(minutes: float) -> None:
    """Train the text encoder and the layout reader together."""
    torch.manual_seed(0)
    course = TrainingRun("text_encoder", minutes)
    tokenizer = new_tokenizer(CACHE / "tokenizer")
    encoder, reader = new_text_encoder(tokenizer), LayoutReader()
    both = nn.ModuleList([encoder, reader])
    optimizer = torch.optim.AdamW(
        both.parameters(), betas=(0.9, 0.99), weight_decay=1e-3, fused=True
    )
    if saved := course.restore():
        both.load_state_dict(saved["both"])
        if "optimizer" in saved:
            optimizer.load_state_dict(saved["optimizer"])
    rng = random.Random(course.step)
    while course.advance():
        set_rate(optimizer, course.rate(1.5e-3))
        scenes = [sample_scene(rng) for _ in range(BATCH)]
        ids = tokens_of(tokenizer, [describe(scene, rng) for scene in scenes])
        with torch.autocast("cpu", torch.bfloat16):
            logits = reader(encoder(ids).last_hidden_state)
        thing, colour, background = (part.float() for part in logits)
        true_thing, true_colour, true_background = layout_targets(scenes)
        loss = (
            cross_entropy(thing.transpose(1, 2), true_thing)
            + cross_entropy(colour.transpose(1, 2), true_colour)
            + 0.5 * cross_entropy(background, true_background)
        )
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        optimizer.step()
        if course.step % 100 == 0:
            right = (thing.argmax(-1) == true_thing)[true_thing > 0].float().mean().item()
            hue = (colour.argmax(-1) == true_colour)[true_thing > 0].float().mean().item()
            ground = (background.argmax(-1) == true_background).float().mean().item()
            print(
                f"text {course.step} {course.spent:.0f}s loss {loss.item():.3f} "
                f"things {right:.3f} colours {hue:.3f} backgrounds {ground:.3f}",
                flush=True,
            )
        if course.step % 500 == 0:
            course.save(both=both.state_dict(), optimizer=optimizer.state_dict())
    course.save(both=both.state_dict(), optimizer=optimizer.state_dict())


def trained_text_encoder() -> tuple[CLIPTokenizer, CLIPTextModel]:
    """Return the tokenizer and the trained text encoder."""
    saved = TrainingRun("text_encoder", 1).restore()
    if saved is None:
        raise SystemExit("Train the text encoder first: python -m training text")
    tokenizer = CLIPTokenizer.from_pretrained(CACHE / "tokenizer")
    encoder = new_text_encoder(tokenizer)
    prefix = "0."
    weights = {name[2:]: w for name, w in saved["both"].items() if name.startswith(prefix)}
    encoder.load_state_dict(weights)
    return tokenizer, encoder.eval()
