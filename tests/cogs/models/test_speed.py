"""How fast a download is said to be, and how long it will take."""

from __future__ import annotations

import pytest

from cogs.models.speed import WINDOW, SpeedMeter
from tests.clock import Clock


def running(seconds: int, bytes_per_second: int) -> tuple[SpeedMeter, Clock]:
    """A download of 1000 bytes that has been going on evenly."""
    clock = Clock(100.0)
    meter = SpeedMeter(clock)
    for second in range(seconds + 1):
        clock.now = 100.0 + second
        meter.update(second * bytes_per_second, 1000, "unet")
    return meter, clock


def test_nothing_is_said_before_a_second_has_passed() -> None:
    assert SpeedMeter().bytes_per_second is None
    meter, _ = running(0, 10)
    assert meter.bytes_per_second is None
    assert meter.seconds_left is None


def test_an_even_download_takes_what_is_left_at_its_speed() -> None:
    meter, _ = running(5, 20)
    assert meter.bytes_per_second == pytest.approx(20)
    assert meter.seconds_left == pytest.approx(45)


def test_the_speed_is_that_of_the_last_seconds() -> None:
    meter, clock = running(20, 10)
    for _ in range(int(WINDOW)):
        clock.now += 1
        meter.update(meter.done + 30, 1000, "unet")
    assert meter.bytes_per_second == pytest.approx(30)


def test_a_download_that_stands_gets_slower_and_has_no_end() -> None:
    meter, clock = running(5, 20)
    clock.now += 5
    assert meter.bytes_per_second == pytest.approx(10)
    standing, clock = running(5, 0)
    assert standing.seconds_left is None


def test_what_was_there_before_does_not_count_as_speed() -> None:
    clock = Clock(100.0)
    meter = SpeedMeter(clock)
    meter.update(900, 1000, "vae")
    clock.now += 2
    meter.update(920, 1000, "vae")
    assert meter.bytes_per_second == pytest.approx(10)
