"""What a training is made from."""

from dataclasses import dataclass
from pathlib import Path

from engine.models.model import Model
from engine.settings import EngineSettings
from engine.training.request import TrainingRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSetup:
    """What a training is given; its pictures are in its folder.

    Attributes:
        settings: Of the engine: the device, and how files are read.
        model: What it trains on; its files are on this machine.
        base: Its Hub ID, if it has one.
        request: What is to be trained.
        folder: As `engine.training.run_folder` describes.
        command: Of an outside trainer; empty for the bot's own.
    """

    settings: EngineSettings
    model: Model
    base: str | None
    request: TrainingRequest
    folder: Path
    command: tuple[str, ...] = ()
