"""The store: all tables of one database."""

from pathlib import Path

from engine.store.acts import ActTable
from engine.store.added_models import AdapterTable, ModelTable
from engine.store.database import Database
from engine.store.favourites import Favourites
from engine.store.grids import GridTable
from engine.store.history import History
from engine.store.jobs import JobTable
from engine.store.measurements import MeasurementTable
from engine.store.moderation import ModerationTable
from engine.store.outcomes import Outcomes
from engine.store.preferences import Preferences
from engine.store.retention import RetentionTable
from engine.store.reviews import ReviewTable
from engine.store.safety import SafetyTable
from engine.store.trainings import TrainingTable
from engine.store.visible_jobs import VisibleJobs
from engine.store.workers import WorkerTable

TRAININGS = "training"
"""In the data folder: a folder for each training."""


class Store:
    """The tables of an open database. Files are stored relative to `folder`."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.acts = ActTable(database)
        self.adapters = AdapterTable(database)
        self.favourites = Favourites(database)
        self.jobs = JobTable(database, folder)
        self.grids = GridTable(database, self.jobs)
        self.history = History(database, self.jobs)
        self.measurements = MeasurementTable(database)
        self.models = ModelTable(database)
        self.moderation = ModerationTable(database)
        self.outcomes = Outcomes(database)
        self.preferences = Preferences(database)
        self.retention = RetentionTable(database, folder)
        self.reviews = ReviewTable(database)
        self.safety = SafetyTable(database)
        self.trainings = TrainingTable(database, folder / TRAININGS)
        self.visible_jobs = VisibleJobs(database, self.jobs, self.history)
        self.workers = WorkerTable(database)
