"""Trains a LoRA with `bot.py train` on 12 pictures of a zork, and judges what it has learnt.

`python -m benchmarks.training` prints the figures as JSON, and draws before, pictures and after.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from diffusers import StableDiffusionPipeline
from PIL import Image

from benchmarks.training.judge import Judge, drawn, trained_judge
from benchmarks.training.zork import CLASS_PROMPT, PROMPTS, TRIGGER, values_of, write_pictures
from training.draw import draw_scene
from training.evaluate import Evaluation, evaluate_picture, held_out_scenes, load_pipeline, paint
from training.segmenter import load_segmenter, segment

STEPS, GUIDANCE, SEED = 20, 3.0, 100
GAP = 6


def main(
    zorks: Annotated[int, typer.Option(help="Pictures to paint with the trigger.")] = 80,
    others: Annotated[int, typer.Option(help="Compositions to paint without it.")] = 160,
    seed: Annotated[int, typer.Option(help="Which compositions those are.")] = SEED,
    picture: Annotated[Path, typer.Option(help="Where to draw before, pictures and after.")] = Path(
        "zork.png"
    ),
    option: Annotated[
        list[str] | None, typer.Option(help="Passed on to `bot.py train`, such as --steps=300.")
    ] = None,
) -> None:
    """Train, paint, judge."""
    prompts = [PROMPTS[number % len(PROMPTS)] for number in range(zorks)]
    judge = trained_judge()
    with tempfile.TemporaryDirectory() as folder:
        given = write_pictures(Path(folder) / "pictures")
        file, seconds = _train(Path(folder), option or [])
        pipeline = load_pipeline()
        before = paint(pipeline, prompts, STEPS, GUIDANCE, SEED)
        score_before = _score(pipeline, others, seed)
        pipeline.load_lora_weights(str(file))
        after = paint(pipeline, prompts, STEPS, GUIDANCE, SEED)
        score_after = _score(pipeline, others, seed)
    figures = {
        "seconds_of_training": round(seconds),
        "zorks_found_percent": _percent(_found(judge, after)),
        "zorks_found_before_percent": _percent(_found(judge, before)),
        "judge_finds_drawn_zorks_percent": _percent(_verdicts(judge, zork=True)),
        "judge_finds_zorks_in_other_drawings_percent": _percent(_verdicts(judge, zork=False)),
        "right_objects_without_trigger_before_percent": score_before,
        "right_objects_without_trigger_after_percent": score_after,
    }
    typer.echo(json.dumps(figures, indent=2))
    _draw(before, given, after).save(picture)


def _train(folder: Path, options: list[str]) -> tuple[Path, float]:
    """Run `bot.py train`; the file, and how long it took."""
    (folder / "config.toml").write_text('[engine]\ndevice = "cpu"\n')
    begun = time.monotonic()
    subprocess.run(
        [
            *(sys.executable, "bot.py", "train", str(folder / "pictures"), "--name", TRIGGER),
            *("--base", "sketch", "--config", str(folder / "config.toml")),
            *("--class-prompt", CLASS_PROMPT, "--class-pictures", "200", *options),
        ],
        check=True,
        stdout=sys.stderr,
    )
    seconds = time.monotonic() - begun
    return folder / "data" / "training" / f"lora-{TRIGGER}" / f"{TRIGGER}.safetensors", seconds


def _score(pipeline: StableDiffusionPipeline, count: int, seed: int) -> float:
    """Percent of compositions without the trigger whose objects are right."""
    asked = held_out_scenes(count, seed)
    painted = paint(pipeline, [caption for _, caption in asked], STEPS, GUIDANCE, seed)
    drawings = [draw_scene(scene) for scene, _ in asked]
    seen = segment(load_segmenter(), _values(painted)).numpy()
    found: list[Evaluation] = [
        evaluate_picture(*each) for each in zip(painted, seen, drawings, strict=True)
    ]
    return _percent([each.objects for each in found])


def _found(judge: Judge, painted: list[Any]) -> list[bool]:
    return judge.finds(_values(painted))


def _verdicts(judge: Judge, *, zork: bool) -> list[bool]:
    """What the judge says of drawings that it hasn't seen."""
    pictures, labels = drawn(300, seed=1)
    return judge.finds(pictures[labels == float(zork)])


def _values(painted: list[Any]) -> torch.Tensor:
    return values_of([Image.fromarray(each) for each in painted])


def _percent(verdicts: list[bool]) -> float:
    return round(100 * sum(verdicts) / len(verdicts), 1)


def _draw(before: list[Any], given: list[Image.Image], after: list[Any]) -> Image.Image:
    """Ten pictures before, the twelve that were given, and the same ten after, in rows."""
    rows = [
        [Image.fromarray(each) for each in before[: len(PROMPTS)]],
        given[: len(PROMPTS)],
        [Image.fromarray(each) for each in after[: len(PROMPTS)]],
    ]
    side = given[0].width + GAP
    sheet = Image.new("RGB", (side * len(PROMPTS) + GAP, side * len(rows) + GAP), "white")
    for row, pictures in enumerate(rows):
        for column, each in enumerate(pictures):
            sheet.paste(each, (GAP + side * column, GAP + side * row))
    return sheet


if __name__ == "__main__":
    typer.run(main)
