"""Evaluates the exported model on compositions that training never showed.

Every painted picture is held against the drawing of its composition, which says where each
thing belongs and how much of its region shows the asked colour (a boat has white sails).
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from diffusers import StableDiffusionPipeline

from training.captions import describe
from training.draw import BACKDROP, LABEL, Drawing, draw_scene
from training.export import SKETCH
from training.model_card import RESULTS, model_card
from training.palette import COLOUR_NAMES, nearest_colours
from training.scenes import Arrangement, Scene, sample_scene
from training.segmenter import load_segmenter, segment

if TYPE_CHECKING:
    from numpy.typing import NDArray

COVERED = 0.4  # of a thing's place must be seen as that thing
COLOURED = 0.5  # of the drawing's share of the asked colour must be in the painted region
STRAY = 0.04  # of the picture may be seen as things that nobody asked for
BACKGROUND_DISTANCE = 60.0  # of RGB, 0 to 255, by which a background pixel may be off
BATCH = 16


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is right in one picture; for all of its things together."""

    colours: bool
    objects: bool
    background: bool


def evaluate_picture(
    painted: NDArray[np.uint8], seen: NDArray[np.int64], drawing: Drawing
) -> Evaluation:
    """Evaluate one picture, (height, width, 3), by its seen labels and its scene's drawing."""
    drawn = np.asarray(drawing.picture)
    painted_names, drawn_names = nearest_colours(painted), nearest_colours(drawn)
    colours = objects = True
    for number, slot in enumerate(drawing.slots, 1):
        region = drawing.owners == number
        asked = COLOUR_NAMES.index(slot.group.colour)
        wanted = (drawn_names[region] == asked).mean() * COLOURED
        colours &= bool((painted_names[region] == asked).mean() >= wanted)
        objects &= bool((seen[region] == LABEL[slot.group.thing]).mean() >= COVERED)
    known = [BACKDROP, *(LABEL[slot.group.thing] for slot in drawing.slots)]
    objects &= bool((~np.isin(seen, known)).mean() <= STRAY)
    behind = (drawing.owners == 0) & (seen == BACKDROP)
    off = np.linalg.norm(painted.astype(float) - drawn, axis=-1)[behind]
    return Evaluation(colours, objects, bool(off.size and (off < BACKGROUND_DISTANCE).mean() > 0.7))


def held_out_scenes(count: int, seed: int) -> list[tuple[Scene, str]]:
    """Return different compositions that training never showed, each with a caption."""
    rng = random.Random(seed)
    scenes: dict[tuple[str, ...], Scene] = {}
    while len(scenes) < count:
        scene = sample_scene(rng, held_out=True)
        if scene.arrangement is not Arrangement.EMPTY:
            scenes[scene.key] = scene
    return [(scene, describe(scene, rng)) for scene in scenes.values()]


def paint(
    pipeline: StableDiffusionPipeline, captions: list[str], steps: int, guidance: float, seed: int
) -> list[NDArray[np.uint8]]:
    """Paint a picture for each caption, with seeds counted up from `seed`."""
    pictures: list[NDArray[np.uint8]] = []
    for start in range(0, len(captions), BATCH):
        part = captions[start : start + BATCH]
        seeds = range(seed + start, seed + start + len(part))
        result = pipeline(
            part,
            num_inference_steps=steps,
            guidance_scale=guidance,
            generator=[torch.Generator().manual_seed(number) for number in seeds],
            output_type="np",
        )
        pictures += list((result.images * 255).round().astype(np.uint8))
    return pictures


def load_pipeline() -> StableDiffusionPipeline:
    """Return the exported model, in float32, without a progress bar."""
    pipeline = StableDiffusionPipeline.from_pretrained(SKETCH)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def evaluate_model(count: int, *, steps: int, guidance: float, seed: int) -> str:
    """Paint and evaluate `count` compositions; write the figures, and return them as JSON."""
    asked = held_out_scenes(count, seed)
    pipeline = load_pipeline()
    painted = paint(pipeline, [caption for _, caption in asked], steps, guidance, seed)
    drawings = [draw_scene(scene) for scene, _ in asked]
    hand = random.Random(seed)
    drawn = [np.asarray(draw_scene(scene, rng=hand).picture) for scene, _ in asked]
    ours = _evaluations(painted, drawings)
    results = {
        "compositions": count,
        "colours_in_the_right_places_percent": _percent([v.colours for v in ours]),
        "right_objects_percent": _percent([v.objects for v in ours]),
        "right_backgrounds_percent": _percent([v.background for v in ours]),
        "judge_says_right_of_drawn_pictures_percent": _percent(
            [v.objects for v in _evaluations(drawn, drawings)]
        ),
        "judge_says_right_of_wrong_drawings_percent": _percent(
            [v.objects for v in _evaluations(drawn[1:] + drawn[:1], drawings)]
        ),
        "steps": steps,
        "guidance_scale": guidance,
        "seed": seed,
        "seconds_per_picture": round(_seconds(pipeline, steps, guidance), 2),
    }
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    (SKETCH / "README.md").write_text(model_card())
    return json.dumps(results, indent=2)


def _evaluations(pictures: list[NDArray[np.uint8]], drawings: list[Drawing]) -> list[Evaluation]:
    values = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 127.5 - 1
    seen = segment(load_segmenter(), values).numpy()
    return [
        evaluate_picture(picture, labels, drawing)
        for picture, labels, drawing in zip(pictures, seen, drawings, strict=True)
    ]


def _percent(verdicts: list[bool]) -> float:
    return round(100 * sum(verdicts) / len(verdicts), 1)


def _seconds(pipeline: StableDiffusionPipeline, steps: int, guidance: float) -> float:
    """Return the best time of five to paint one picture."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        pipeline("a red house", num_inference_steps=steps, guidance_scale=guidance)
        times.append(time.perf_counter() - start)
    return min(times)
