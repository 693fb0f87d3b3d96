"""The engine: from a prompt to pictures. It knows nothing of Discord.

This is its public interface; other modules import nothing else of it. Importing it does not import
torch.
"""

from engine.cluster.errors import ClusterError
from engine.cluster.settings import ClusterSettings, WorkerSettings
from engine.damage_log import UNREADABLE, log_damage
from engine.devices.attached_device import DeviceState
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
from engine.hub.publishing import UploadProgress
from engine.images.canvas import PARTS, Direction
from engine.images.encoding import recoded, thumbnail
from engine.images.init_images import (
    StoredInitImage,
    with_init_image,
    with_references,
)
from engine.images.metadata import PictureSettings, parse_parameters, read_settings
from engine.images.output import parameters
from engine.jobs.context import RequestContext
from engine.jobs.control import MAX_STRENGTH as MAX_CONTROL_STRENGTH
from engine.jobs.control import Control, ControlKind
from engine.jobs.job import Job, JobEvent, JobState, Parent
from engine.jobs.process import Process, ProcessKind, Region
from engine.jobs.rate_limits import RateLimits
from engine.jobs.recipe import (
    DEFAULT_STRENGTH,
    KEEPING_STRENGTH,
    MAX_COUNT,
    MAX_GUIDANCE,
    MAX_PROMPT,
    MAX_SEED,
    MAX_STEPS,
    AdapterUse,
    Recipe,
)
from engine.jobs.recipe_checks import require_not_enlarged
from engine.jobs.reference_uses import USUAL_WEIGHT, PictureKind, ReferenceUse
from engine.jobs.request import ImageRequest
from engine.jobs.requester import Requester
from engine.live_settings import LiveValues
from engine.memory.device import DeviceFacts, DeviceMemory
from engine.memory.plan_table import PlanTable
from engine.memory.planner import Choice
from engine.models.adapter_manager import AdapterCandidate, AdapterInfo, AdapterManager
from engine.models.adapters import Adapter, AdapterCatalogue
from engine.models.added import added_adapters, added_models
from engine.models.candidates import MeasuredSize, ModelCandidate
from engine.models.catalogue import Catalogue
from engine.models.controls import KIND_NAMES as CONTROL_NAMES
from engine.models.controls import ControlNetwork, known_control
from engine.models.families import FAMILIES
from engine.models.inspection import Inspection
from engine.models.manager import ModelManager
from engine.models.model import RATIOS, Model, Size
from engine.models.model_rules import ModelDefaults, ModelRules
from engine.models.open_manager import open_adapter_manager, open_model_manager
from engine.models.references import require_references
from engine.models.schedulers import DEFAULT_SCHEDULER, allowed_schedulers
from engine.models.server_models import ServerModels
from engine.moderation.block import Block
from engine.moderation.moderation import MAX_WORDS, Moderation
from engine.moderation.word_lists import WordLists
from engine.network_settings import (
    BackgroundSettings,
    ControlSettings,
    DescribeSettings,
    IPAdapterSettings,
    MapSettings,
    PromptSettings,
    UpscalerSettings,
)
from engine.open_studio import open_studio
from engine.prompts.dynamic_prompts import expand_dynamic_prompt
from engine.prompts.flags import Flags, ignored_flags, without_flags
from engine.prompts.grammar import with_trigger_words, words_only
from engine.prompts.style_book import StyleBook
from engine.prompts.styles import NONE as NO_STYLE
from engine.prompts.styles import PLACE as STYLE_PLACE
from engine.prompts.styles import Style, UserDefaults, check_style_name, find_style
from engine.safety.verdict import SafetyVerdict
from engine.settings import (
    MAX_ADAPTER_WEIGHT,
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
    Painted,
    Progress,
    Review,
    ReviewMessage,
    Search,
    Viewer,
)
from engine.store.reviews import LIFETIME as REVIEW_LIFETIME
from engine.studio import Studio
from engine.tasks import Tasks
from engine.training.collecting import MAX_PICTURES as MAX_TRAINING_PICTURES
from engine.training.dataset.reading import ENOUGH as MIN_TRAINING_PICTURES
from engine.training.plan import TrainingPlan
from engine.training.publishing import Proposal
from engine.training.request import Kind as TrainingKind
from engine.training.settings import TrainingSettings
from engine.training.training import (
    CollectedPicture,
    Training,
    TrainingEvent,
    TrainingState,
)
from engine.training.trainings import Trainings
from engine.workers import Doing as WorkerDoing
from engine.workers import Worker
from engine.writing.instructions import Rewriting

__all__ = [
    "CONTROL_NAMES",
    "DEFAULT_SCHEDULER",
    "DEFAULT_STRENGTH",
    "FAMILIES",
    "KEEPING_STRENGTH",
    "MAX_ADAPTER_WEIGHT",
    "MAX_CELLS",
    "MAX_CONTROL_STRENGTH",
    "MAX_COUNT",
    "MAX_GUIDANCE",
    "MAX_PROMPT",
    "MAX_SEED",
    "MAX_STEPS",
    "MAX_TRAINING_PICTURES",
    "MAX_VALUES",
    "MAX_WORDS",
    "MIN_TRAINING_PICTURES",
    "NO_STYLE",
    "PARTS",
    "RATIOS",
    "REVIEW_LIFETIME",
    "STYLE_PLACE",
    "UNREADABLE",
    "USUAL_WEIGHT",
    "Act",
    "Adapter",
    "AdapterCandidate",
    "AdapterCatalogue",
    "AdapterInfo",
    "AdapterManager",
    "AdapterSettings",
    "AdapterUse",
    "AlreadyDecided",
    "AtelierError",
    "AuditEntry",
    "Axis",
    "BackgroundSettings",
    "Block",
    "Catalogue",
    "Choice",
    "ClusterError",
    "ClusterSettings",
    "CollectedPicture",
    "Control",
    "ControlKind",
    "ControlNetwork",
    "ControlSettings",
    "Decision",
    "DescribeSettings",
    "DeviceFacts",
    "DeviceMemory",
    "DeviceState",
    "DeviceUnavailable",
    "Direction",
    "DiskUsage",
    "DownloadProgress",
    "EngineSettings",
    "Flags",
    "Grid",
    "GridEstimate",
    "GridLayout",
    "GridProgress",
    "IPAdapterSettings",
    "ImageRequest",
    "Inspection",
    "InvalidModel",
    "InvalidRequest",
    "Job",
    "JobEvent",
    "JobPage",
    "JobState",
    "LimitReached",
    "LiveValues",
    "MapSettings",
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
    "Painted",
    "Parent",
    "PictureKind",
    "PictureSettings",
    "PlanTable",
    "Presence",
    "Process",
    "ProcessKind",
    "Progress",
    "PromptSettings",
    "Proposal",
    "QueueFull",
    "RateLimits",
    "Recipe",
    "ReferenceUse",
    "Region",
    "RequestContext",
    "Requester",
    "Review",
    "ReviewMessage",
    "Rewriting",
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
    "Training",
    "TrainingEvent",
    "TrainingKind",
    "TrainingPlan",
    "TrainingSettings",
    "TrainingState",
    "Trainings",
    "UnknownJob",
    "UnknownModel",
    "UploadProgress",
    "UpscalerSettings",
    "UserDefaults",
    "Viewer",
    "Withheld",
    "WordLists",
    "Worker",
    "WorkerDoing",
    "WorkerSettings",
    "added_adapters",
    "added_models",
    "allowed_schedulers",
    "check_style_name",
    "draw_grid",
    "expand_dynamic_prompt",
    "find_style",
    "grid_legend",
    "human_size",
    "ignored_flags",
    "known_control",
    "lock_folder",
    "log_damage",
    "new_incident",
    "open_adapter_manager",
    "open_model_manager",
    "open_studio",
    "parameters",
    "parse_parameters",
    "read_settings",
    "recoded",
    "require_not_enlarged",
    "require_references",
    "thumbnail",
    "with_init_image",
    "with_references",
    "with_trigger_words",
    "without_flags",
    "without_folders",
    "words_only",
]
