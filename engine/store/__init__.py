"""Everything that survives a restart, in one SQLite file.

The only place with SQL. There is one connection; every method is one transaction.
"""

from engine.store.acts import Act, ActTable, Progress
from engine.store.added_models import AdapterTable, ModelTable
from engine.store.database import Database
from engine.store.favourites import Favourites
from engine.store.grids import GridTable
from engine.store.history import History
from engine.store.jobs import JobTable
from engine.store.measurements import MeasurementTable
from engine.store.moderation import AuditEntry, ModerationTable
from engine.store.outcomes import Failure, Outcomes, Painted, Tally
from engine.store.preferences import Preferences
from engine.store.retention import RemovableJob, RetentionTable
from engine.store.reviews import Decision, Review, ReviewMessage, ReviewTable
from engine.store.safety import SafetyTable
from engine.store.search import Search
from engine.store.store import Store
from engine.store.trainings import TrainingTable
from engine.store.visible_jobs import JobPage, Viewer, VisibleJobs
from engine.store.workers import SeenWorker, WorkerTable

__all__ = [
    "Act",
    "ActTable",
    "AdapterTable",
    "AuditEntry",
    "Database",
    "Decision",
    "Failure",
    "Favourites",
    "GridTable",
    "History",
    "JobPage",
    "JobTable",
    "MeasurementTable",
    "ModelTable",
    "ModerationTable",
    "Outcomes",
    "Painted",
    "Preferences",
    "Progress",
    "RemovableJob",
    "RetentionTable",
    "Review",
    "ReviewMessage",
    "ReviewTable",
    "SafetyTable",
    "Search",
    "SeenWorker",
    "Store",
    "Tally",
    "TrainingTable",
    "Viewer",
    "VisibleJobs",
    "WorkerTable",
]
