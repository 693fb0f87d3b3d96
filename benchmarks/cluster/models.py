"""The model that both sides have: files that are hashed and never loaded."""

from engine.models.catalogue import SKETCH_FOLDER
from engine.settings import EngineSettings, ModelSettings

SIDE = 64


def models(steps: int) -> dict[str, ModelSettings]:
    """The settings of a model with that many steps."""
    sides = {"width": SIDE, "height": SIDE, "min_side": SIDE, "max_side": SIDE}
    return {
        "wait": ModelSettings(
            source=str(SKETCH_FOLDER), num_inference_steps=steps, scheduler="ddim", **sides
        )
    }


def engine() -> EngineSettings:
    """One picture at a time."""
    return EngineSettings(device="cpu", default_model="wait", batch_size=1, grace=0.0)
