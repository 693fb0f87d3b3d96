"""A thread beside the loop: calls in order, futures settled in the loop, and an end that drains."""

import asyncio
import threading

import pytest

from engine.background_thread import BackgroundThread, ThreadStopped, threads_left_behind


async def test_calls_run_in_order_on_one_thread_and_their_results_come_back() -> None:
    thread = BackgroundThread("test")
    seen: list[tuple[int, str]] = []

    def call(number: int) -> int:
        seen.append((number, threading.current_thread().name))
        return number

    futures = [thread.run(lambda number=number: call(number)) for number in range(5)]  # type: ignore[misc]
    assert await asyncio.gather(*futures) == list(range(5))
    assert seen == [(number, "test") for number in range(5)]
    await thread.stop(1)


async def test_an_error_is_raised_where_the_call_is_awaited_and_the_thread_goes_on() -> None:
    thread = BackgroundThread("test")
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 // 0)
    assert await thread.run(lambda: 1) == 1
    await thread.stop(1)


async def test_a_call_that_is_cancelled_before_its_turn_never_runs() -> None:
    thread, go_on = BackgroundThread("test"), threading.Event()
    ran: list[str] = []
    first = thread.run(lambda: go_on.wait(30))
    second = thread.run(lambda: ran.append("second"))
    second.cancel()
    go_on.set()
    assert await first
    await thread.stop(1)
    assert not ran


async def test_stopping_waits_for_the_calls_taken_and_ends_the_thread() -> None:
    thread = BackgroundThread("test")
    done: list[int] = []
    futures = [thread.run(lambda: done.append(1)) for _ in range(3)]
    await thread.stop(10)
    assert len(done) == 3
    assert all(future.done() for future in futures)
    assert "test" not in [each.name for each in threading.enumerate()]
    with pytest.raises(ThreadStopped):
        thread.run(lambda: None)
    await thread.stop(10)


async def test_a_call_that_does_not_end_in_time_fails_and_is_left_behind() -> None:
    thread, go_on = BackgroundThread("test"), threading.Event()
    late = thread.run(lambda: go_on.wait(30))
    await thread.stop(0.01)
    with pytest.raises(ThreadStopped):
        await late
    go_on.set()


async def test_a_thread_that_was_never_used_stops_at_once() -> None:
    await BackgroundThread("test").stop(10)


async def test_a_thread_left_behind_is_known_until_it_ends() -> None:
    thread, go_on = BackgroundThread("stuck"), threading.Event()
    late = thread.run(lambda: go_on.wait(30))
    await thread.stop(0.05)
    with pytest.raises(ThreadStopped):
        await late
    assert "stuck" in threads_left_behind(0.0)
    go_on.set()
    assert "stuck" not in threads_left_behind(10.0)
