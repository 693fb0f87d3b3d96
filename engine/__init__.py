"""The engine: from a prompt to pictures. It knows nothing of Discord.

This is its public face; the rest is its own affair. Importing it does not import torch.
"""

from engine.adapters import AdapterShelf
from engine.allowance import Allowance
from engine.curation.additions import added_models, open_curator
from engine.curation.curator import Curator
from engine.curation.prospects import Prospect, SizeRecord
from engine.errors import (
    AtelierError,
    DeviceUnavailable,
    InvalidModel,
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
from engine.families import FAMILIES
from engine.house_rules import HouseRules, ModelDefaults
from engine.jobs import Job, JobEvent, JobState
from engine.library import Inspection, Presence, Stock, human_size
from engine.library import Progress as DownloadProgress
from engine.memory.device import DeviceFacts
from engine.memory.planner import Choice
from engine.memory.table import PlanTable
from engine.models import Catalogue, Model, Size
from engine.requests import (
    MAX_COUNT,
    MAX_GUIDANCE,
    MAX_PROMPT,
    MAX_SEED,
    MAX_STEPS,
    AdapterUse,
    ImageRequest,
    Recipe,
)
from engine.schedulers import allowed_schedulers
from engine.settings import AdapterSettings, EngineSettings, ModelSettings, Section, StorageSettings
from engine.studio import Status, Studio, open_studio
from engine.tasks import Tasks

__all__ = [
    "FAMILIES",
    "MAX_COUNT",
    "MAX_GUIDANCE",
    "MAX_PROMPT",
    "MAX_SEED",
    "MAX_STEPS",
    "AdapterSettings",
    "AdapterShelf",
    "AdapterUse",
    "Allowance",
    "AtelierError",
    "Catalogue",
    "Choice",
    "Curator",
    "DeviceFacts",
    "DeviceUnavailable",
    "DownloadProgress",
    "EngineSettings",
    "HouseRules",
    "ImageRequest",
    "Inspection",
    "InvalidModel",
    "InvalidRequest",
    "Job",
    "JobEvent",
    "JobState",
    "LimitReached",
    "Model",
    "ModelDefaults",
    "ModelSettings",
    "ModelUnavailable",
    "NotYours",
    "PlanTable",
    "Presence",
    "Prospect",
    "QueueFull",
    "Recipe",
    "Section",
    "Size",
    "SizeRecord",
    "Status",
    "Stock",
    "StorageError",
    "StorageSettings",
    "Studio",
    "Tasks",
    "UnknownJob",
    "UnknownModel",
    "Withheld",
    "added_models",
    "allowed_schedulers",
    "human_size",
    "new_incident",
    "open_curator",
    "open_studio",
]
