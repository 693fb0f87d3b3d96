"""What survives a restart: jobs, usage, models, choices and what was measured, in one SQLite file.

The only place with SQL. One connection writes; every method is one transaction.
"""

from engine.store.database import Database
from engine.store.jobs import JobTable
from engine.store.measurements import MeasurementTable
from engine.store.models import ModelTable
from engine.store.preferences import Preferences
from engine.store.timings import TimingTable

__all__ = [
    "Database",
    "JobTable",
    "MeasurementTable",
    "ModelTable",
    "Preferences",
    "TimingTable",
]
