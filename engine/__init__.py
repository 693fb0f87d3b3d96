"""The engine: from a prompt to pictures. It knows nothing of Discord.

This is its public interface; other modules import nothing else of it. Importing it does not import
torch.
"""

from engine.damage_log import UNREADABLE, log_damage
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
from engine.folder_lock import lock_folder
from engine.grids.drawing import draw_grid, grid_legend
from engine.grids.grids import GridEstimate
from engine.grids.layout import MAX_CELLS, MAX_VALUES, Axis, Grid, GridLayout, GridProgress
from engine.hub import DiskUsage, DownloadProgress, Presence
from engine.images.canvas import PARTS, Direction
from engine.images.init_images import StoredInitImage, with_init_image
from engine.images.metadata import PictureSettings, parse_parameters, read_settings
from engine.images.output import parameters
from engine.jobs.context import RequestContext
from engine.jobs.job import Job, JobEvent, JobState, Parent
from engine.jobs.rate_limits import RateLimits
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
from engine.jobs.requester import Requester
from engine.memory.device import DeviceFacts
from engine.memory.plan_table import PlanTable
from engine.memory.planner import Choice
from engine.models.adapters import AdapterCatalogue
from engine.models.added import added_models
from engine.models.candidates import MeasuredSize, ModelCandidate
from engine.models.catalogue import RATIOS, Catalogue, Model, Size
from engine.models.families import FAMILIES
from engine.models.inspection import Inspection
from engine.models.manager import ModelManager
from engine.models.model_rules import ModelDefaults, ModelRules
from engine.models.open_manager import open_model_manager
from engine.models.schedulers import DEFAULT_SCHEDULER, allowed_schedulers
from engine.models.server_models import ServerModels
from engine.moderation.block import Block
from engine.moderation.moderation import MAX_WORDS, Moderation
from engine.moderation.word_lists import WordLists
from engine.open_studio import open_studio
from engine.prompts.dynamic_prompts import expand_dynamic_prompt
from engine.prompts.flags import ignored_flags, without_flags
from engine.prompts.grammar import words_only
from engine.prompts.style_book import StyleBook
from engine.prompts.styles import NONE as NO_STYLE
from engine.prompts.styles import PLACE as STYLE_PLACE
from engine.prompts.styles import Style, UserDefaults, check_style_name, find_style
from engine.safety.verdict import SafetyVerdict
from engine.settings import (
    AdapterSettings,
    EngineSettings,
    ModelSettings,
    SafetySettings,
    Section,
    StorageSettings,
)
from engine.sizes import human_size
from engine.status import Status, StudioReport
from engine.store import (
    Act,
    AuditEntry,
    Decision,
    JobPage,
    Progress,
    Review,
    ReviewMessage,
    Search,
    Viewer,
)
from engine.store.reviews import LIFETIME as REVIEW_LIFETIME
from engine.studio import Studio
from engine.tasks import Tasks

__all__ = [
    "DEFAULT_SCHEDULER",
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
    "UNREADABLE",
    "Act",
    "AdapterCatalogue",
    "AdapterSettings",
    "AdapterUse",
    "AlreadyDecided",
    "AtelierError",
    "AuditEntry",
    "Axis",
    "Block",
    "Catalogue",
    "Choice",
    "Decision",
    "DeviceFacts",
    "DeviceUnavailable",
    "Direction",
    "DiskUsage",
    "DownloadProgress",
    "EngineSettings",
    "Grid",
    "GridEstimate",
    "GridLayout",
    "GridProgress",
    "ImageRequest",
    "Inspection",
    "InvalidModel",
    "InvalidRequest",
    "Job",
    "JobEvent",
    "JobPage",
    "JobState",
    "LimitReached",
    "MeasuredSize",
    "Model",
    "ModelCandidate",
    "ModelDefaults",
    "ModelManager",
    "ModelRules",
    "ModelSettings",
    "ModelUnavailable",
    "Moderation",
    "NeedsReview",
    "NotYours",
    "Parent",
    "PictureSettings",
    "PlanTable",
    "Presence",
    "Progress",
    "QueueFull",
    "RateLimits",
    "Recipe",
    "RequestContext",
    "Requester",
    "Review",
    "ReviewMessage",
    "SafetySettings",
    "SafetyVerdict",
    "Search",
    "Section",
    "ServerModels",
    "Size",
    "Status",
    "StorageError",
    "StorageSettings",
    "StoredInitImage",
    "Studio",
    "StudioReport",
    "Style",
    "StyleBook",
    "Tasks",
    "UnknownJob",
    "UnknownModel",
    "UserDefaults",
    "Viewer",
    "Withheld",
    "WordLists",
    "added_models",
    "allowed_schedulers",
    "check_style_name",
    "draw_grid",
    "expand_dynamic_prompt",
    "find_style",
    "grid_legend",
    "human_size",
    "ignored_flags",
    "lock_folder",
    "log_damage",
    "new_incident",
    "open_model_manager",
    "open_studio",
    "parameters",
    "parse_parameters",
    "read_settings",
    "with_init_image",
    "without_flags",
    "without_folders",
    "words_only",
]
