"""The engine: from a prompt to pictures. It knows nothing of Discord.

This is its public face; the rest is its own affair. Importing it does not import torch.
"""

from engine.models.adapters import AdapterShelf
from engine.jobs.rate_limits import Allowance
from engine.images.canvas import PARTS, Way
from engine.models.added import added_models, open_curator
from engine.models.manager import Curator
from engine.models.candidates import Prospect, SizeRecord
from engine.errors import (
    AlreadyDecided,
    AtelierError,
    DeviceUnavailable,
    InvalidModel,
    InvalidRequest,
    LimitReached,
    ModelUnavailable,
    NeedsReview,
    NotYours,
    QueueFull,
    StorageError,
    UnknownJob,
    UnknownModel,
    Withheld,
    new_incident,
    without_folders,
)
from engine.models.families import FAMILIES
from engine.models.server_models import HouseRules, ModelDefaults
from engine.jobs.job import Job, JobEvent, JobState, Parent
from engine.moderation.moderation import MAX_WORDS, Keeper
from engine.hub import Inspection, Presence, Stock, human_size
from engine.hub import Progress as DownloadProgress
from engine.memory.device import DeviceFacts
from engine.memory.planner import Choice
from engine.memory.plan_table import PlanTable
from engine.models.catalogue import RATIOS, Catalogue, Model, Size
from engine.open_studio import open_studio
from engine.prompts.dynamic_prompts import expand
from engine.images.output import parameters, parse_parameters, settings_text
from engine.prompts.flags import without_flags
from engine.report import Report
from engine.jobs.request import (
    DEFAULT_STRENGTH,
    KEEPING_STRENGTH,
    MAX_COUNT,
    MAX_GUIDANCE,
    MAX_PROMPT,
    MAX_SEED,
    MAX_STEPS,
    AdapterUse,
    ImageRequest,
    Recipe,
)
from engine.moderation.reviews import LIFETIME as REVIEW_LIFETIME
from engine.models.schedulers import allowed_schedulers
from engine.settings import (
    AdapterSettings,
    EngineSettings,
    ModelSettings,
    SafetySettings,
    Section,
    StorageSettings,
)
from engine.grids.drawing import draw_sheet, sheet_key
from engine.grids.layout import MAX_CELLS, MAX_VALUES, Axis, Layout, Sheet, SheetProgress
from engine.grids.grids import Price
from engine.images.init_images import Start as KeptStart
from engine.images.init_images import started
from engine.store import Asked, Block, Decision, Deed, Review, Search
from engine.studio import Status, Studio
from engine.prompts.styles import NONE as NO_STYLE
from engine.prompts.styles import PLACE as STYLE_PLACE
from engine.prompts.styles import Style, StyleBook, Wishes, check_style_name
from engine.tasks import Tasks
from engine.safety.verdict import Verdict

__all__ = [
    "DEFAULT_STRENGTH",
    "FAMILIES",
    "KEEPING_STRENGTH",
    "MAX_CELLS",
    "MAX_COUNT",
    "MAX_GUIDANCE",
    "MAX_PROMPT",
    "MAX_SEED",
    "MAX_STEPS",
    "MAX_VALUES",
    "MAX_WORDS",
    "NO_STYLE",
    "PARTS",
    "RATIOS",
    "REVIEW_LIFETIME",
    "STYLE_PLACE",
    "AdapterSettings",
    "AdapterShelf",
    "AdapterUse",
    "Allowance",
    "AlreadyDecided",
    "Asked",
    "AtelierError",
    "Axis",
    "Block",
    "Catalogue",
    "Choice",
    "Curator",
    "Decision",
    "Deed",
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
    "Keeper",
    "KeptStart",
    "Layout",
    "LimitReached",
    "Model",
    "ModelDefaults",
    "ModelSettings",
    "ModelUnavailable",
    "NeedsReview",
    "NotYours",
    "Parent",
    "PlanTable",
    "Presence",
    "Price",
    "Prospect",
    "QueueFull",
    "Recipe",
    "Report",
    "Review",
    "SafetySettings",
    "Search",
    "Section",
    "Sheet",
    "SheetProgress",
    "Size",
    "SizeRecord",
    "Status",
    "Stock",
    "StorageError",
    "StorageSettings",
    "Studio",
    "Style",
    "StyleBook",
    "Tasks",
    "UnknownJob",
    "UnknownModel",
    "Verdict",
    "Way",
    "Wishes",
    "Withheld",
    "added_models",
    "allowed_schedulers",
    "check_style_name",
    "draw_sheet",
    "expand",
    "human_size",
    "new_incident",
    "open_curator",
    "open_studio",
    "parameters",
    "parse_parameters",
    "settings_text",
    "sheet_key",
    "started",
    "without_flags",
    "without_folders",
]
