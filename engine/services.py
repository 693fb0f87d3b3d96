"""What the studio is made of, in groups."""

from dataclasses import dataclass

from engine.devices.dispatcher import Dispatcher
from engine.grids.grids import Grids
from engine.images.init_images import InitImages
from engine.images.output import OutputFolder
from engine.images.upload_limits import UploadLimits
from engine.jobs.context_loader import ContextLoader
from engine.jobs.control_maps import ControlMaps
from engine.jobs.enlarging import Enlarger
from engine.jobs.events import JobEvents
from engine.jobs.processing import PictureProcesses
from engine.jobs.submission import JobSubmission
from engine.models.adapter_manager import AdapterManager
from engine.models.catalogue import Catalogue
from engine.models.manager import ModelManager
from engine.models.server_models import ServerModels
from engine.moderation.moderation import Moderation
from engine.prompts.style_book import StyleBook
from engine.safety.checker import SafetyChecker
from engine.training.publishing import TrainingPublishing
from engine.training.trainings import Trainings
from engine.workers import Workers
from engine.writing.describer import Describer
from engine.writing.rewriter import Rewriter


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelServices:
    """What there is to paint with, what each scope allows, and how more is made."""

    catalogue: Catalogue
    adapters: AdapterManager
    manager: ModelManager
    server_models: ServerModels
    trainings: Trainings
    publishing: TrainingPublishing


@dataclass(frozen=True, slots=True, kw_only=True)
class JobServices:
    """The way of a job: submitted, queued, painted and watched."""

    workers: Workers
    submission: JobSubmission
    dispatcher: Dispatcher
    events: JobEvents
    enlarger: Enlarger
    processes: PictureProcesses
    grids: Grids


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeServices:
    """What scopes, people and moderators decide."""

    contexts: ContextLoader
    moderation: Moderation
    safety: SafetyChecker
    styles: StyleBook


@dataclass(frozen=True, slots=True, kw_only=True)
class FileServices:
    """The picture files."""

    pictures: OutputFolder
    init_images: InitImages
    control_maps: ControlMaps
    upload_limits: UploadLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingServices:
    """The models that write."""

    describer: Describer
    rewriter: Rewriter
