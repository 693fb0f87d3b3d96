"""What survives a restart: jobs, usage, models, choices and what was measured, in one SQLite file.

The only place with SQL. One connection writes; every method is one transaction.
"""

from engine.store.retention import Attic, Expendable
from engine.store.database import Database
from engine.store.favourites import Favourites
from engine.store.history import History, Search
from engine.store.jobs import JobTable
from engine.store.measurements import MeasurementTable
from engine.store.added_models import ModelTable
from engine.store.moderation import Block, Deed, ModerationTable
from engine.store.outcomes import Failure, Outcomes, Tally
from engine.store.preferences import Preferences
from engine.store.reviews import Asked, Decision, Review, ReviewTable
from engine.store.grids import SheetTable
from engine.store.timings import TimingTable
from engine.store.safety import VerdictTable

__all__ = [
    "Asked",
    "Attic",
    "Block",
    "Database",
    "Decision",
    "Deed",
    "Expendable",
    "Failure",
    "Favourites",
    "History",
    "JobTable",
    "MeasurementTable",
    "ModelTable",
    "ModerationTable",
    "Outcomes",
    "Preferences",
    "Review",
    "ReviewTable",
    "Search",
    "SheetTable",
    "Tally",
    "TimingTable",
    "VerdictTable",
]
