"""The model card, with its figures taken from what the model was trained on and how it did."""

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
        return "Not judged yet: `python -m training judge`."
    results = json.loads(RESULTS.read_text())
    rows = "\n".join(f"| {name.replace('_', ' ')} | {value} |" for name, value in results.items())
    return (
        "On compositions that training never showed, painted by the plain pipeline and judged by\n"
        "`python -m training judge`:\n\n| figure | value |\n| --- | --- |\n" + rows + "\n\n"
        "A picture counts only if all of its things are right. Colours: in the place of each\n"
        "thing, the asked colour takes at least half of what it takes in the drawing of the same\n"
        "composition. Objects: a separate segmentation network sees the asked thing on at least\n"
        "40 % of its place, and nothing that was not asked for on more than 4 % of the picture."
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

The text-to-image model that comes with Atelier: small enough to ship with the code, quick enough
for two CPU cores, and honest about what it knows. It paints flat illustrations of one to five
things, 128x128 (also 160x112 and 112x160), and is trained on nothing but pictures that
`training/` draws.

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

**Places**: left of, right of, next to, above, over, below, under, on, on top of, between; for one
thing also on the left, on the right, at the top, at the bottom, in the middle.
**Counts**: one, two, three.

**{len(COLOURS) + len(LANDSCAPES)} backgrounds**: `on a … background` with any of the colours, and

{_listed(BACKGROUND_WORDS, LANDSCAPES)}

With no background named, a moon brings the night, a boat the sea, a house, tree, mountain, car,
sun or cloud a meadow; everything else stands on paper. A thing without a colour takes its
natural one.

In all {len(vocabulary())} words are single tokens; any other word is spelled in pieces and does
no harm: training puts unknown words into a quarter of the captions.

## How well

{_figures()}

## How it was made

`python -m training all`, on CPU: an autoencoder on drawn pictures (L1, L2 and edges), a CLIP text
encoder that first learns to tell the layout of a scene from its caption, and a UNet trained by
v-prediction with min-SNR weights while the text encoder rests. One in twenty compositions, by a
stable hash, is never shown in training.

## Limits

It knows the words above and no others; it has never seen a photograph or a person's drawing.
Three groups of things at once and rows of three are its weakest pictures. Colours of accents
(doors, trunks, sails) are fixed.

MIT licence, as the rest of the repository.
"""
