"""The engine: from a prompt to pictures. It knows nothing of Discord.

This is its public face; the rest is its own affair. Importing it does not import torch.
"""

from engine.adapters import AdapterShelf
from engine.allowance import Allowance
from engine.canvas import PARTS, Way
from engine.curation.additions import added_models, open_curator
from engine.curation.curator import Curator
from engine.curation.prospects import Prospect, SizeRecord
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
from engine.families import FAMILIES
from engine.house_rules import HouseRules, ModelDefaults
from engine.jobs import Job, JobEvent, JobState, Parent
from engine.keeper import MAX_WORDS, Keeper
from engine.library import Inspection, Presence, Stock, human_size
from engine.library import Progress as DownloadProgress
from engine.memory.device import DeviceFacts
from engine.memory.planner import Choice
from engine.memory.table import PlanTable
from engine.models import RATIOS, Catalogue, Model, Size
from engine.opening import open_studio
from engine.permutations import expand
from engine.pictures import parameters, parse_parameters, settings_text
from engine.prompt_flags import without_flags
from engine.report import Report
from engine.requests import (
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
from engine.reviews import LIFETIME as REVIEW_LIFETIME
from engine.schedulers import allowed_schedulers
from engine.settings import (
    AdapterSettings,
    EngineSettings,
    ModelSettings,
    SafetySettings,
    Section,
    StorageSettings,
)
from engine.sheets.drawing import draw_sheet, sheet_key
from engine.sheets.layout import MAX_CELLS, MAX_VALUES, Axis, Layout, Sheet, SheetProgress
from engine.sheets.room import Price
from engine.starts import Start as KeptStart
from engine.starts import started
from engine.store import Asked, Block, Decision, Deed, Review, Search
from engine.studio import Status, Studio
from engine.styles import NONE as NO_STYLE
from engine.styles import PLACE as STYLE_PLACE
from engine.styles import Style, StyleBook, Wishes, check_style_name
from engine.tasks import Tasks
from engine.verdicts import Verdict

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
