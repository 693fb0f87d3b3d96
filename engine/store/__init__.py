"""What survives a restart: jobs, usage, models, choices and what was measured, in one SQLite file.

The only place with SQL. One connection writes; every method is one transaction.
"""

from engine.store.added_models import ModelTable
from engine.store.database import Database
from engine.store.favourites import Favourites
from engine.store.grids import GridTable
from engine.store.history import History, Search
from engine.store.jobs import JobTable
from engine.store.measurements import MeasurementTable
from engine.store.moderation import AuditEntry, Block, ModerationTable
from engine.store.outcomes import Failure, Outcomes, Tally
from engine.store.preferences import Preferences
from engine.store.retention import RemovableJob, RetentionTable
from engine.store.reviews import Decision, Review, ReviewMessage, ReviewTable
from engine.store.safety import SafetyTable
from engine.store.timings import TimingTable

__all__ = [
    "AuditEntry",
    "Block",
    "Database",
    "Decision",
    "Failure",
    "Favourites",
    "GridTable",
    "History",
    "JobTable",
    "MeasurementTable",
    "ModelTable",
    "ModerationTable",
    "Outcomes",
    "Preferences",
    "RemovableJob",
    "RetentionTable",
    "Review",
    "ReviewMessage",
    "ReviewTable",
    "SafetyTable",
    "Search",
    "Tally",
    "TimingTable",
]
