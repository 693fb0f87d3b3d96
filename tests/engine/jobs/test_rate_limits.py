"""What one person may ask for."""

import pytest

from engine.errors import InvalidRequest, LimitReached
from engine.jobs.rate_limits import WINDOW, RateLimits


def test_without_bounds_everything_is_allowed() -> None:
    RateLimits().check(4, [(0.0, 1000)], 1000)


def test_what_fits_exactly_is_allowed() -> None:
    RateLimits(pictures_per_hour=10, waiting_jobs=3).check(4, [(0.0, 4), (5.0, 2)], 2)


@pytest.mark.parametrize(
    ("count", "until"),
    [
        (1, 100.0),  # the first three pictures leave the window and make room for one
        (3, 100.0),
        (4, 200.0),  # a fourth needs the second job's place as well
        (5, 300.0),
    ],
)
def test_the_window_slides_and_says_when_there_is_room_again(count: int, until: float) -> None:
    used = [(100.0, 3), (200.0, 1), (300.0, 2)]
    with pytest.raises(LimitReached, match="you have 0 left of 6 pictures an hour") as caught:
        RateLimits(pictures_per_hour=6).check(count, used, 0)
    assert caught.value.retry_at == until + WINDOW


def test_too_many_open_jobs_depend_on_no_clock() -> None:
    with pytest.raises(LimitReached, match="You already have 2 jobs waiting") as caught:
        RateLimits(waiting_jobs=2).check(1, [], 2)
    assert caught.value.retry_at is None


def test_more_pictures_than_an_hour_gives_are_refused_for_good() -> None:
    with pytest.raises(
        InvalidRequest, match="You asked for 4 pictures, but your limit is 3 an hour"
    ):
        RateLimits(pictures_per_hour=3).check(4, [], 0)


@pytest.mark.parametrize(
    ("jobs", "open_jobs", "error", "sentence"),
    [
        (4, 0, InvalidRequest, "That's 4 jobs, but you can only have 3 open at a time."),
        (
            2,
            2,
            LimitReached,
            "You already have 2 jobs waiting, and these are 2 more, but your limit",
        ),
        (1, 3, LimitReached, "You already have 3 jobs waiting, which is your limit."),
    ],
)
def test_several_jobs_are_counted_together(
    jobs: int, open_jobs: int, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error) as caught:
        RateLimits(waiting_jobs=3).check(jobs, [], open_jobs, jobs)
    assert str(caught.value).startswith(sentence)


def test_several_jobs_that_just_fit_are_allowed() -> None:
    RateLimits(waiting_jobs=3).check(2, [], 1, jobs=2)
