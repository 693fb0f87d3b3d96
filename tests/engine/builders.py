"""Recipes, jobs and models for tests: everything has a default, a test says what matters to it."""

from pathlib import Path
from typing import Any

from engine.jobs.job import Job, JobState
from engine.jobs.recipe import Recipe
from engine.memory.measurement import Measurement
from engine.memory.plan import Stage
from engine.models.model import Model
from engine.settings import EngineSettings, ModelSettings


def recipe(**changes: Any) -> Recipe:
    """A recipe for the tiny pipeline."""
    values: dict[str, Any] = {
        "prompt": "a red house",
        "negative_prompt": "",
        "model": "tiny",
        "width": 64,
        "height": 64,
        "num_inference_steps": 4,
        "guidance_scale": 5.0,
        "seed": 7,
        "count": 1,
        "scheduler": "ddim",
    }
    return Recipe(**values | changes)


def job(job_id: int = 1, owner: str = "ada", **changes: Any) -> Job:
    """A queued job; `changes` are those of its recipe."""
    return Job(
        id=job_id,
        owner=owner,
        message_ref=None,
        recipe=recipe(**changes),
        state=JobState.QUEUED,
        created_at=0.0,
    )


def model_settings(source: Path | str, **changes: Any) -> ModelSettings:
    """What the settings say of a tiny model in the folder `source`."""
    values: dict[str, Any] = {
        "source": str(source),
        "width": 64,
        "height": 64,
        "min_side": 32,
        "max_side": 256,
        "num_inference_steps": 4,
        "guidance_scale": 5.0,
        "scheduler": "ddim",
    }
    return ModelSettings(**values | changes)


def model(source: Path | str = "nowhere", name: str = "tiny", **changes: Any) -> Model:
    """The catalogue's entry for a tiny model in the folder `source`."""
    return Model.of(name, model_settings(source, **changes))


def engine_settings(**changes: Any) -> EngineSettings:
    """Settings of an engine that paints with `tiny` on the CPU."""
    return EngineSettings(**{"device": "cpu", "default_model": "tiny"} | changes)


def measurement(**changes: Any) -> Measurement:
    """One step of the tiny pipeline on a device that doesn't count memory."""
    values: dict[str, Any] = {
        "model": "tiny",
        "device": "cpu",
        "plan_key": "float32",
        "stage": Stage.STEP,
        "dtype": "float32",
        "tile_side": 0,
        "width": 64,
        "height": 64,
        "batch": 1,
        "weight_bytes": 10,
        "peak_bytes": None,
        "usable_bytes": 1000,
        "seconds": 1.0,
    }
    return Measurement(**values | changes)
