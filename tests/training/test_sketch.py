import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from transformers import CLIPTokenizer

from training.captions import vocabulary
from training.palette import COLOUR_NAMES, nearest_colours

SKETCH = Path(__file__).parents[2] / "engine" / "sketch"


@pytest.fixture(scope="module")
def tokenizer() -> CLIPTokenizer:
    return CLIPTokenizer.from_pretrained(SKETCH / "tokenizer")


def test_the_whole_model_takes_at_most_sixteen_megabytes() -> None:
    assert sum(file.stat().st_size for file in SKETCH.rglob("*") if file.is_file()) <= 16_000_000


def test_the_preview_has_a_colour_for_every_latent_channel() -> None:
    preview = json.loads((SKETCH / "preview.json").read_text())
    channels = json.loads((SKETCH / "vae" / "config.json").read_text())["latent_channels"]
    assert len(preview["factors"]) == channels
    assert all(len(colour) == 3 for colour in [*preview["factors"], preview["bias"]])


def test_the_tokenizer_knows_the_captions_words_whole(tokenizer: CLIPTokenizer) -> None:
    words = [word for word in vocabulary() if word.isalpha()]
    assert [word for word in words if len(tokenizer.tokenize(word)) != 1] == []


def test_the_tokenizer_spells_unknown_words(tokenizer: CLIPTokenizer) -> None:
    pieces = tokenizer.tokenize("Zqxv 日本 🦊")
    assert pieces
    assert tokenizer.eos_token not in pieces


def test_the_tokenizer_cuts_prompts_that_are_too_long(tokenizer: CLIPTokenizer) -> None:
    ids = tokenizer("a red house " * 40, truncation=True).input_ids
    assert len(ids) == tokenizer.model_max_length
    assert ids[-1] == tokenizer.eos_token_id


@pytest.mark.slow
def test_a_red_circle_on_white_is_red_in_the_middle_and_white_in_the_corners() -> None:
    pipeline = StableDiffusionPipeline.from_pretrained(SKETCH)
    pipeline.set_progress_bar_config(disable=True)
    picture = pipeline(
        "a red circle on a white background",
        num_inference_steps=20,
        guidance_scale=3.0,
        generator=torch.Generator().manual_seed(0),
        output_type="np",
    ).images[0]
    names = nearest_colours((picture * 255).round().astype(np.uint8))
    assert (names[48:80, 48:80] == COLOUR_NAMES.index("red")).mean() > 0.9
    corners = [names[y : y + 12, x : x + 12] for y in (0, 116) for x in (0, 116)]
    assert min((corner == COLOUR_NAMES.index("white")).mean() for corner in corners) > 0.9
