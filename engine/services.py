"""What the studio is made of, in groups."""

from dataclasses import dataclass

from engine.grids.grids import Grids
from engine.images.init_images import InitImages
from engine.images.output import OutputFolder
from engine.images.upload_limits import UploadLimits
from engine.jobs.context_loader import ContextLoader
from engine.jobs.enlarging import Enlarger
from engine.jobs.events import JobEvents
from engine.jobs.submission import JobSubmission
from engine.models.adapters import AdapterCatalogue
from engine.models.catalogue import Catalogue
from engine.models.manager import ModelManager
from engine.models.server_models import ServerModels
from engine.moderation.moderation import Moderation
from engine.prompts.style_book import StyleBook
from engine.safety.checker import SafetyChecker
from engine.worker.worker import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelServices:
    """What there is to paint with, and what each scope allows."""

    catalogue: Catalogue
    adapters: AdapterCatalogue
    manager: ModelManager
    server_models: ServerModels


@dataclass(frozen=True, slots=True, kw_only=True)
class JobServices:
    """The way of a job: submitted, queued, painted and watched."""

    submission: JobSubmission
    worker: Worker
    events: JobEvents
    enlarger: Enlarger
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
    upload_limits: UploadLimits
