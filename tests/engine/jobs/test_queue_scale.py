"""The queue equals a plain one whatever happens, and its cost doesn't grow with what waits."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from engine.jobs.queue import FairQueue
from tests.call_count import calls
from tests.engine.builders import job
from tests.engine.jobs.naive_queue import NaiveQueue

MODELS = ("tiny", "other", "third")


@pytest.mark.parametrize("seed", range(8))
def test_it_is_the_plain_queue_whatever_happens(seed: int) -> None:
    chance = random.Random(seed)
    queue, naive = FairQueue(), NaiveQueue()
    served = []
    for number in range(400):
        waiting = naive.order()
        what = chance.random()
        if what < 0.5 or not waiting:
            new = job(
                number,
                f"user {chance.randrange(6)}",
                model=chance.choice(MODELS),
                num_inference_steps=chance.choice((4, 4, 20, 50)),
                count=chance.randint(1, 4),
            )
            queue.push(new)
            naive.push(new)
        elif what < 0.7:
            served.append(waiting[0])
        elif what < 0.8:
            served.append(chance.choice(waiting))
        elif what < 0.9:
            gone = chance.choice(waiting).id
            assert queue.remove(gone) is not None
            naive.remove(gone)
        elif served:
            back = served.pop(chance.randrange(len(served)))
            queue.put_back(back)
            naive.put_back(back)
        if served and served[-1] in waiting and served[-1].id in queue:
            queue.serve(served[-1])
            naive.serve(served[-1])
        order = naive.order()
        assert queue.order() == order
        assert len(queue) == len(order)
        models = chance.sample(MODELS, 2)
        fitting = [each for each in order if each.recipe.model_needed in models]
        assert list(queue.walk(models)) == fitting
        firsts = {each.recipe.model_needed: each for each in reversed(order)}
        assert queue.firsts == sorted(firsts.values(), key=order.index)
        owners = Counter(each.owner for each in order)
        assert all(len(queue.of_owner(owner)) == owners[owner] for owner in owners)
        extra = [job(10**6 + n, f"user {chance.randrange(8)}") for n in range(3)]
        assert queue.order(extra) == naive.order(extra)


def filled(waiting: int, owners: int) -> FairQueue:
    """A queue in which that many jobs wait."""
    queue = FairQueue()
    for number in range(waiting):
        changes: dict[str, Any] = {"model": MODELS[number % 3], "count": 1 + number % 4}
        queue.push(job(number, f"user {number % owners}", **changes))
    return queue


@pytest.mark.parametrize("owners", [1, 100, 5000])
@pytest.mark.parametrize(
    "work",
    [
        lambda queue: queue.push(job(10**6, "user 0", model="other")),
        lambda queue: queue.push(job(10**6, "somebody new")),
        lambda queue: queue.remove(0),
        lambda queue: queue.remove(len(queue) // 2),
        lambda queue: queue.serve(next(queue.walk())),
        lambda queue: queue.serve(next(queue.walk(("third",)))),
        lambda queue: [next(queue.walk((model,))) for model in MODELS],
    ],
    ids=["push", "push new", "remove first", "remove middle", "serve", "serve later", "look"],
)
def test_no_work_grows_with_what_waits(owners: int, work: Callable[[FairQueue], object]) -> None:
    few, many = filled(200, owners), filled(20_000, owners)
    before, after = calls(lambda: work(few)), calls(lambda: work(many))
    assert after < 250, "a hundred times as many wait"
    assert after < 2 * before
