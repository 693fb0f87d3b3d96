"""Pacing: progress is told as often as Discord likes edits, outcomes at once."""

from __future__ import annotations

import asyncio

import pytest

from cogs.messages.throttle import (
    CHANNEL_INTERVAL,
    DISTANT_MESSAGE_INTERVAL,
    FORGET_AFTER,
    MESSAGE_INTERVAL,
    EditThrottle,
    edit_interval,
)
from engine import Job, JobEvent, JobState
from tests.cogs.app import App, until
from tests.discord_server import Message


def shown(messages: list[Message]) -> list[Message]:
    """Those that show their pictures."""
    return [message for message in messages if "Delete" in message.labels]


def waiting(jobs: list[Job]) -> list[Job]:
    """Those that are not painted yet."""
    return [job for job in jobs if job.state.waiting]


@pytest.mark.slow
@pytest.mark.parametrize("by", ["token", "bot"])
async def test_thirty_jobs_in_one_channel_run_into_no_rate_limit(
    app: App, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cogs.bot.STOP_SECONDS", 0.1)
    app.discord.rest.limits.speed = 1.0
    people = [app.guild.add_member(f"member {i}") for i in range(10)]
    async with app.open() as bot:
        blocker = await app.occupy()
        messages = [await app.ask(who, steps=1) for who in people for _ in range(3)]
        if by == "bot":
            app.discord.expire_tokens()
        await app.release(blocker)
        if by == "bot":  # about one edit a second is all that Discord gives
            await app.discord.until(lambda: len(shown(messages)) >= 6, 15)
        else:
            await until(bot.studio.undelivered, lambda jobs: not waiting(jobs))
            await asyncio.sleep(0.5)
            assert len(shown(messages)) == 30
            await app.settled(bot)
    assert app.discord.rate_limited == []
    assert all(len(message.looks) <= 12 for message in messages)


def test_a_message_is_edited_only_every_so_often() -> None:
    now = 0.0
    throttle = EditThrottle(lambda: now)
    assert throttle.try_acquire(1, 10, MESSAGE_INTERVAL)
    now = CHANNEL_INTERVAL
    assert not throttle.try_acquire(1, 10, MESSAGE_INTERVAL)
    assert throttle.wait(1, 10, MESSAGE_INTERVAL) == pytest.approx(
        MESSAGE_INTERVAL - CHANNEL_INTERVAL
    )
    now = MESSAGE_INTERVAL
    assert throttle.try_acquire(1, 10, MESSAGE_INTERVAL)


def test_the_messages_of_a_channel_share_its_rate_and_channels_do_not() -> None:
    now = 0.0
    throttle = EditThrottle(lambda: now)
    assert throttle.try_acquire(1, 10, MESSAGE_INTERVAL)
    assert not throttle.try_acquire(1, 11, MESSAGE_INTERVAL)
    assert throttle.try_acquire(2, 20, MESSAGE_INTERVAL)
    now = CHANNEL_INTERVAL
    assert throttle.try_acquire(1, 11, MESSAGE_INTERVAL)


def test_the_pacer_forgets_what_is_past() -> None:
    now = 0.0
    throttle = EditThrottle(lambda: now)
    for job in range(100):
        assert throttle.try_acquire(job, job, MESSAGE_INTERVAL)
        now += MESSAGE_INTERVAL + CHANNEL_INTERVAL
    assert len(throttle._messages) + len(throttle._channels) <= 2 * (
        FORGET_AFTER // MESSAGE_INTERVAL
    )


@pytest.mark.parametrize(
    ("state", "position", "seconds"),
    [
        (JobState.RUNNING, None, MESSAGE_INTERVAL),
        (JobState.QUEUED, 1, MESSAGE_INTERVAL),
        (JobState.QUEUED, 30, DISTANT_MESSAGE_INTERVAL),
    ],
)
def test_those_who_wait_far_behind_leave_the_edits_to_those_in_front(
    state: JobState, position: int | None, seconds: float
) -> None:
    assert edit_interval(JobEvent(job_id=1, state=state, position=position)) == seconds
