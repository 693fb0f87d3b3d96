"""What an earlier run of the program has left: jobs to paint, and what has to be erased."""

import asyncio
import logging
from pathlib import Path

from engine.devices.blame import BlameFile
from engine.devices.dispatcher import Dispatcher
from engine.errors import StorageError
from engine.jobs.attempts import gave_up
from engine.jobs.job import JobState
from engine.models.catalogue import Catalogue
from engine.store import Database, JobTable, Store
from engine.store.clock import bound_times
from engine.store.expired_tokens import erase_expired_tokens
from speech import say

ERASE_INTERVAL = 300.0
"""Seconds between two looks for tokens that have expired."""

log = logging.getLogger(__name__)


async def tidy(store: Store, folder: Path) -> None:
    """Before anything is read: wrong times, expired tokens, and who stopped the program."""
    try:
        await bound_times(store.database)
        await erase_expired_tokens(store.database, all_rows=True)
        if stopped := BlameFile.take_all(folder):
            log.warning("The program stopped while it painted: %s", stopped)
            await store.jobs.count_stops(stopped)
    except StorageError as error:  # a full disk
        log.warning("The database couldn't be tidied up: %s", error)


async def keep_erasing(database: Database) -> None:
    """Erase tokens soon after they have expired, until cancelled."""
    while True:
        await asyncio.sleep(ERASE_INTERVAL)
        try:
            await erase_expired_tokens(database, all_rows=False)
        except StorageError as error:
            log.warning("Expired tokens couldn't be erased: %s", error)


async def resume(jobs: JobTable, dispatcher: Dispatcher, catalogue: Catalogue) -> None:
    """Queue the jobs again that were queued or running when the program ended."""
    for job in await jobs.undelivered():
        if not job.state.waiting:
            continue
        if (sentence := gave_up(job)) is not None:
            await jobs.set_state(job.id, JobState.FAILED, sentence)
        elif (job.recipe.model_needed or catalogue.default.name) not in catalogue:
            sentence = say("The model “{model}” is no longer configured.", model=job.recipe.model)
            await jobs.set_state(job.id, JobState.FAILED, sentence)
        else:
            dispatcher.push(job)
