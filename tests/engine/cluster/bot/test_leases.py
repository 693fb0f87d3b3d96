"""Attempts at jobs: which reports are late, and which repeated."""

from engine.cluster.bot.leases import Leases
from engine.devices.messages import RunJob
from tests.engine.builders import job, model


def test_late_reports_are_told_from_repeated_ones() -> None:
    leases = Leases(iter(range(1, 100)))
    lease = leases.begin(RunJob(job(5), model()))
    assert leases.of_job(5) is lease
    assert leases.end(lease)
    assert not leases.end(lease)
    assert leases.has_ended(lease.number)
    assert not leases.has_ended(77)
