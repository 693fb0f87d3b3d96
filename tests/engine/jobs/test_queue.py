"""Fairness: who is served next, in the price of model calls, and how long one model may stay."""

from collections import Counter
from typing import Any

import pytest

from engine.jobs.job import NETWORK_COST, Job
from engine.jobs.process import Process, ProcessKind
from tests.clock import Clock
from tests.engine.builders import job
from tests.engine.jobs.one_device import OneDevice


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> OneDevice:
    return OneDevice(patience=60.0, clock=clock)


def fill(queue: OneDevice, *jobs: Job) -> None:
    for one in jobs:
        queue.push(one)


def take_all(queue: OneDevice) -> list[Job]:
    served = []
    while (one := queue.take(None)) is not None:
        served.append(one)
    return served


def test_one_owner_is_served_in_the_order_of_asking(queue: OneDevice) -> None:
    fill(queue, *[job(n) for n in (1, 2, 3)])
    assert [one.id for one in take_all(queue)] == [1, 2, 3]


def test_fifty_jobs_of_one_person_never_delay_another_by_more_than_one_job(
    queue: OneDevice,
) -> None:
    fill(queue, *[job(n, "greedy") for n in range(50)])
    others = [f"user {n}" for n in range(9)]
    fill(queue, *[job(100 + n, owner) for n, owner in enumerate(others)])
    first = [one.owner for one in take_all(queue)[:11]]
    for owner in others:
        assert Counter(first[: first.index(owner)])["greedy"] <= 1


def test_nor_does_it_when_the_greedy_one_has_been_served_for_a_while(queue: OneDevice) -> None:
    fill(queue, *[job(n, "greedy") for n in range(50)])
    for _ in range(20):
        queue.take(None)
    queue.push(job(100, "late"))
    taken = [queue.take(None), queue.take(None)]
    assert "late" in [one.owner for one in taken if one]


def test_ten_people_who_keep_asking_get_equal_shares(queue: OneDevice) -> None:
    owners = [f"user {n}" for n in range(10)]
    fill(queue, *[job(100 * n + i, owner) for n, owner in enumerate(owners) for i in range(20)])
    served = Counter(one.owner for one in take_all(queue)[:100])
    assert set(served.values()) == {10}


@pytest.mark.parametrize(
    ("changes", "price"),
    [
        ({"num_inference_steps": 20}, 20),
        ({"num_inference_steps": 20, "count": 4}, 80),
        ({"num_inference_steps": 20, "scheduler": "heun"}, 40),
    ],
)
def test_a_job_is_priced_in_model_calls(changes: dict[str, Any], price: int) -> None:
    assert job(**changes).cost == price


def test_who_asks_for_more_per_job_is_served_fewer_jobs(queue: OneDevice) -> None:
    """Four pictures with Heun cost eight times what one with Euler costs."""
    dear: dict[str, Any] = {"count": 4, "scheduler": "heun"}
    fill(queue, *[job(n, "dear", **dear) for n in range(20)])
    fill(queue, *[job(100 + n, "cheap", scheduler="euler") for n in range(20)])
    served = Counter(one.owner for one in take_all(queue)[:18])
    assert served == {"dear": 2, "cheap": 16}


def test_time_spent_away_is_no_credit(queue: OneDevice) -> None:
    """Who comes back takes turns from now on; the hours before are not made up for."""
    fill(queue, job(1, "returns"))
    queue.take(None)
    fill(queue, *[job(10 + n, "stays") for n in range(30)])
    for _ in range(15):
        queue.take(None)
    fill(queue, *[job(100 + n, "returns") for n in range(10)])
    served = Counter(one.owner for one in take_all(queue)[:10])
    assert served == {"returns": 5, "stays": 5}


def test_leaving_and_coming_back_does_not_wipe_out_what_one_was_served(queue: OneDevice) -> None:
    """Asking for one job at a time, over and over, is no way past the others."""
    fill(queue, *[job(n, "patient") for n in range(10)])
    queue.push(job(100, "quick"))
    served = []
    for n in range(10):
        one = queue.take(None)
        assert one is not None
        served.append(one.owner)
        if one.owner == "quick":
            queue.push(job(101 + n, "quick"))
    assert Counter(served) == {"patient": 5, "quick": 5}


def test_the_announced_order_is_the_order_of_service(queue: OneDevice) -> None:
    for n in range(60):
        queue.push(
            job(
                n,
                f"user {n * 7 % 5}",
                num_inference_steps=1 + n * 13 % 30,
                count=1 + n % 4,
                scheduler="heun" if n % 3 == 0 else "ddim",
            )
        )
        if n % 4 == 0:
            expected = queue.order()[0]
            assert queue.take(None) == expected
    announced = queue.order()
    assert len(announced) == len(queue)
    assert take_all(queue) == announced


def test_a_job_called_off_leaves_the_line_wherever_it_stands(queue: OneDevice) -> None:
    fill(queue, *[job(n, "ada") for n in (1, 2, 3)], job(4, "bob"))
    assert queue.remove(2) == job(2, "ada")
    assert queue.remove(4) == job(4, "bob")
    assert queue.remove(4) is None
    assert queue.remove(99) is None
    assert [one.id for one in take_all(queue)] == [1, 3]
    assert len(queue) == 0


def test_jobs_called_off_cost_nothing(queue: OneDevice) -> None:
    fill(queue, *[job(n, "ada") for n in range(10)])
    fill(queue, *[job(10 + n, "bob") for n in range(2)])
    for n in range(8):
        queue.remove(n)
    assert [one.owner for one in take_all(queue)] == ["ada", "bob", "ada", "bob"]


def test_an_empty_queue_gives_nothing(queue: OneDevice) -> None:
    assert queue.take(None) is None
    assert queue.take("tiny") is None
    assert queue.order() == []


def test_no_clock_is_kept_of_people_who_are_gone(queue: OneDevice) -> None:
    """A bot that runs for a year must not remember everybody who ever asked."""
    for n in range(1000):
        queue.push(job(n, f"user {n}"))
        queue.take(None)
    assert queue.take(None) is None, "nothing waits, nothing runs"
    assert not queue._served
    assert not queue._waiting


def test_after_a_lull_everybody_starts_level(queue: OneDevice) -> None:
    """Else who was served before it would wait behind all that come for the first time."""
    fill(queue, *[job(n, "before", num_inference_steps=100) for n in range(3)])
    take_all(queue)
    queue.push(job(10, "before"))
    fill(queue, *[job(11 + n, f"new {n}") for n in range(3)])
    assert [one.id for one in take_all(queue)] == [10, 11, 12, 13]


def test_while_the_device_is_at_work_the_accounts_stay_open(queue: OneDevice) -> None:
    """An empty line is no lull: else one dear job at a time would get past many cheap ones."""
    queue.push(job(1, "dear", num_inference_steps=100))
    queue.take(None)
    assert queue.take("tiny") is None, "the dear one is being painted"
    fill(queue, job(2, "dear", num_inference_steps=100), job(3, "cheap"), job(4, "cheap"))
    assert [one.id for one in take_all(queue)] == [3, 4, 2]


# -------------------------------------------------------------------------- one device, many models


def test_jobs_of_the_model_in_use_may_overtake_for_as_long_as_patience_lasts(
    queue: OneDevice, clock: Clock
) -> None:
    fill(queue, job(1, "ada", model="other"), *[job(n, "bob") for n in range(2, 6)])
    assert queue.take("tiny") == job(2, "bob")
    clock.now = 59.0
    assert queue.take("tiny") == job(3, "bob")
    clock.now = 60.0
    assert queue.take("tiny") is None, "the device finishes what it has"
    assert queue.take(None) == job(1, "ada", model="other"), "and then changes the model"


def test_patience_begins_anew_with_the_next_job_that_is_kept_out(
    queue: OneDevice, clock: Clock
) -> None:
    fill(queue, job(1, "ada", model="other"), job(2, "bob"))
    queue.take("tiny")
    clock.now = 100.0
    queue.take(None)
    fill(queue, job(3, "eve", model="third"), job(4, "bob", model="other"))
    assert queue.take("other") == job(4, "bob", model="other")


def test_a_device_that_has_a_model_is_not_given_a_job_for_another(queue: OneDevice) -> None:
    queue.push(job(1, model="other"))
    assert queue.take("tiny") is None
    assert len(queue) == 1


def test_what_needs_no_model_is_served_beside_any(queue: OneDevice) -> None:
    process = Process(kind=ProcessKind.UPSCALE, image="a.png", network="net")
    fill(queue, job(1, "ada", model="other"), job(2, "bob", model="gone", process=process))
    served = queue.take("tiny", without={"gone"})
    assert served is not None
    assert served.id == 2
    assert queue.take("tiny") is None
    assert job(2, process=process).cost == NETWORK_COST


def test_without_patience_no_job_overtakes(clock: Clock) -> None:
    queue = OneDevice(patience=0.0, clock=clock)
    fill(queue, job(1, "ada", model="other"), job(2, "bob"))
    assert queue.take("tiny") is None
    assert queue.take(None) == job(1, "ada", model="other")


def test_what_might_come_stands_where_it_would_and_leaves_nothing_behind(queue: OneDevice) -> None:
    fill(queue, *(job(number, "ada") for number in (1, 2, 3)))
    queue.take(None)
    before = (dict(queue._served), queue._now)
    extra = [job(98, "bob"), job(99, "ada")]
    foreseen = [each.id for each in queue.order(extra)]
    assert (dict(queue._served), queue._now) == before
    assert [each.id for each in queue.order()] == [2, 3]
    fill(queue, *extra)
    assert [each.id for each in queue.order()] == foreseen
