"""The engine: from a prompt to pictures. It knows nothing of Discord.

This is its public face; the rest is its own affair. Importing it does not import torch.
"""

from engine.allowance import Allowance
from engine.errors import (
    AtelierError,
    DeviceUnavailable,
    InvalidRequest,
    LimitReached,
    ModelUnavailable,
    NotYours,
    QueueFull,
    StorageError,
    UnknownJob,
    UnknownModel,
    Withheld,
    new_incident,
)
from engine.jobs import Job, JobEvent, JobState
from engine.models import Catalogue, Model, Size
from engine.requests import (
    MAX_COUNT,
    MAX_GUIDANCE,
    MAX_PROMPT,
    MAX_SEED,
    MAX_STEPS,
    ImageRequest,
    Recipe,
)
from engine.settings import EngineSettings, ModelSettings, Section, StorageSettings
from engine.studio import Status, Studio, open_studio
from engine.tasks import Tasks

__all__ = [
    "MAX_COUNT",
    "MAX_GUIDANCE",
    "MAX_PROMPT",
    "MAX_SEED",
    "MAX_STEPS",
    "Allowance",
    "AtelierError",
    "Catalogue",
    "DeviceUnavailable",
    "EngineSettings",
    "ImageRequest",
    "InvalidRequest",
    "Job",
    "JobEvent",
    "JobState",
    "LimitReached",
    "Model",
    "ModelSettings",
    "ModelUnavailable",
    "NotYours",
    "QueueFull",
    "Recipe",
    "Section",
    "Size",
    "Status",
    "StorageError",
    "StorageSettings",
    "Studio",
    "Tasks",
    "UnknownJob",
    "UnknownModel",
    "Withheld",
    "new_incident",
    "open_studio",
]
