"""The model card, with its facts taken from the training data and the evaluation."""

from __future__ import annotations

import json
from pathlib import Path

from training.captions import BACKGROUND_WORDS, COLOUR_WORDS, THING_WORDS, vocabulary
from training.scenes import COLOURS, LANDSCAPES, THINGS

RESULTS = Path(__file__).parent / "results.json"


def _listed(table: dict[str, tuple[str, ...]], keys: tuple[str, ...]) -> str:
    lines = []
    for key in keys:
        others = sorted(set(table[key]) - {key, ""})
        lines.append(f"- {key}" + (f" (also: {', '.join(others)})" if others else ""))
    return "\n".join(lines)


def _figures() -> str:
    if not RESULTS.exists():
        return "Not evaluated yet: `python -m training evaluate`."
    results = json.loads(RESULTS.read_text())
    rows = "\n".join(f"| {name.replace('_', ' ')} | {value} |" for name, value in results.items())
    return (
        "On compositions that training never showed, painted by the plain pipeline and evaluated\n"
        "by `python -m training evaluate`:\n\n| figure | value |\n| --- | --- |\n" + rows + "\n\n"
        "A picture only counts if all of its things are right. Colours: the requested colour\n"
        "covers at least half of the area that it covers in the drawing of the same composition.\n"
        "Objects: a separate segmentation network sees the requested thing on at least 40 % of\n"
        "its place, and no other thing on more than 4 % of the picture."
    )


def model_card() -> str:
    """Return the model card as Markdown."""
    return f"""---
license: mit
library_name: diffusers
pipeline_tag: text-to-image
tags: [stable-diffusion, illustration]
---

# sketch

The text-to-image model that comes with Atelier, small enough to ship with the code and fast enough
for two CPU cores. It paints flat illustrations of one to five things at 128x128 pixels (also
160x112 and 112x160), and was trained only on pictures that `training/` draws.

```python
from diffusers import StableDiffusionPipeline

pipe = StableDiffusionPipeline.from_pretrained("engine/sketch")
pipe("a red house under a yellow moon", num_inference_steps=20, guidance_scale=3).images[0]
```

## What it understands

**{len(THINGS)} things**

{_listed(THING_WORDS, THINGS)}

**{len(COLOURS)} colours**

{_listed(COLOUR_WORDS, COLOURS)}

**Positions**: left of, right of, next to, above, over, below, under, on, on top of, between; for a
single thing also on the left, on the right, at the top, at the bottom, in the middle.
**Counts**: one, two, three.

**{len(COLOURS) + len(LANDSCAPES)} backgrounds**: `on a … background` with any of the colours, and

{_listed(BACKGROUND_WORDS, LANDSCAPES)}

Without a background in the prompt, a moon gets the night, a boat the sea, a house, tree, mountain,
car, sun or cloud a meadow, and everything else plain paper. A thing without a colour gets its
natural one.

{len(vocabulary())} words are single tokens. Other words are split into pieces and do no harm:
training put unknown words into a quarter of the captions.

## How well

{_figures()}

## How it was made

`python -m training all`, on a CPU: an autoencoder on drawn pictures (L1, L2 and edges), a CLIP text
encoder that first learns to predict the layout of a scene from its caption, and a UNet trained with
v-prediction and min-SNR weights while the text encoder is frozen. One in twenty compositions,
chosen by a stable hash, is held out from training.

## Limits

It only knows the words above, and has never seen a photo or a drawing by a person. It's weakest at
three groups of things at once and rows of three. The colours of details (doors, trunks, sails) are
fixed.

MIT licence, like the rest of the repository.
"""
