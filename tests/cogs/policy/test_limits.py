"""Limits: what one member may ask for, and that nothing slips under them."""

from __future__ import annotations

import asyncio
import re
import time

import pytest

from engine.jobs import rate_limits as allowance
from tests.discord_server import Use

from tests.cogs.app import House, number, told


async def refusals(*uses: Use) -> list[str]:
    """What was said to those people alone."""
    messages = [await use.message() for use in uses]
    return [message.text() for message in messages if message.ephemeral]


async def test_the_hour_slides_and_the_refusal_tells_truly_when_to_go_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.open(limits={"pictures_per_hour": 3}):
        asked = time.time()
        await house.ask(house.alice, count=2)
        await house.ask(house.alice, count=1)
        refusal = await told(await house.alice.slash(house.art, "imagine", prompt="x", count=2))
        assert "of your 3 pictures an hour 0 are left." in refusal
        stamp = re.search(r"You can go on <t:(\d+):R>\.", refusal)
        assert stamp, refusal
        until = int(stamp[1])
        assert asked + 3599 <= until <= asked + 3603
        for now, refused in ((until - 3, True), (until, False)):
            since = now - allowance.WINDOW
            monkeypatch.setattr("engine.jobs.submission.window_start", lambda since=since: since)
            use = await house.alice.slash(house.art, "imagine", prompt="x", count=2)
            assert (await use.message()).ephemeral is refused


async def test_more_pictures_than_an_hour_gives_are_never_promised_for_later(
    house: House,
) -> None:
    async with house.open(limits={"pictures_per_hour": 2}):
        refusal = await told(await house.alice.slash(house.art, "imagine", prompt="x", count=3))
        assert refusal == "You asked for 3 pictures; you may have 2 an hour."


async def test_one_persons_limits_are_nobody_elses(house: House) -> None:
    async with house.open(limits={"pictures_per_hour": 1}):
        await house.painted(house.alice)
        assert not (await house.ask(house.bob)).ephemeral


async def test_waiting_jobs_are_bounded_and_one_that_is_over_makes_room(house: House) -> None:
    async with house.open(limits={"waiting_jobs": 1}):
        blocker = await house.occupy()
        first = await house.ask(house.alice)
        refusal = await told(await house.alice.slash(house.art, "imagine", prompt="x"))
        assert refusal.startswith("You already have 1 job")
        await house.free(blocker)
        await house.done(first)
        assert not (await house.ask(house.alice)).ephemeral


async def test_the_queue_is_bounded_for_everybody(house: House) -> None:
    async with house.open(limits={"queue_size": 2}):
        await house.occupy()
        await house.ask(house.alice)
        await house.ask(house.bob)
        dora = house.guild.add_member("dora")
        refusal = await told(await dora.slash(house.art, "imagine", prompt="x"))
        assert refusal == "The queue is full (2 jobs). Try again in a few minutes."


async def test_of_several_roles_the_most_generous_counts(house: House) -> None:
    regular, patron = house.guild.add_role("regular"), house.guild.add_role("patron")
    everything = house.guild.add_role("everything")
    dora = house.guild.add_member("dora", roles=[regular, patron])
    emil = house.guild.add_member("emil", roles=[everything, regular])
    limits = {
        "pictures_per_hour": 1,
        "roles": {
            regular.id: {"pictures_per_hour": 2},
            patron.id: {"pictures_per_hour": 4},
            everything.id: {"pictures_per_hour": "unlimited"},
        },
    }
    async with house.open(limits=limits):
        for who, many, refused in (
            (house.alice, 2, True),
            (dora, 4, False),
            (dora, 1, True),
            (emil, 4, False),
            (emil, 4, False),
        ):
            message = await house.ask(who, count=many)
            assert message.ephemeral is refused, (who.name, many)


@pytest.mark.parametrize("limit", ["pictures_per_hour", "waiting_jobs", "queue_size"])
async def test_two_requests_at_the_same_instant_do_not_both_slip_under_a_limit(
    house: House, limit: str
) -> None:
    async with house.open(limits={limit: 2}):
        await house.occupy(count=1)
        uses = await asyncio.gather(
            *(house.alice.slash(house.art, "imagine", prompt=str(i)) for i in range(5))
        )
        assert len(await refusals(*uses)) == 3


async def test_a_refused_request_uses_nothing_up_and_one_cancelled_in_line_gives_back(
    house: House,
) -> None:
    async with house.open(limits={"pictures_per_hour": 2}):
        await house.occupy(count=1)
        refused = await house.ask(house.alice, size="nonsense")
        assert refused.ephemeral
        message = await house.ask(house.alice, model="slow", count=2)
        assert (await house.ask(house.alice)).ephemeral
        await house.alice.click(message, label="Cancel")
        await house.done(message)
        assert not (await house.ask(house.alice, count=2)).ephemeral


async def test_limits_survive_a_restart(house: House) -> None:
    async with house.open(limits={"pictures_per_hour": 2}):
        await house.painted(house.alice, count=2)
    async with house.open(limits={"pictures_per_hour": 2}):
        refusal = await told(await house.alice.slash(house.art, "imagine", prompt="x"))
        assert "pictures an hour 0 are left" in refusal


async def test_deleting_pictures_gives_nothing_back(house: House) -> None:
    async with house.open(limits={"pictures_per_hour": 1}):
        message = await house.painted(house.alice)
        await house.alice.click(message, label="Delete")
        await house.discord.until(lambda: message.deleted)
        assert (await house.ask(house.alice)).ephemeral


async def test_again_is_counted_for_whoever_clicks(house: House) -> None:
    async with house.open(limits={"pictures_per_hour": 1}):
        message = await house.painted(house.alice)
        again = await (await house.bob.click(message, label="Again")).message()
        assert number(again) == 2
        assert "an hour 0 are left" in await told(await house.bob.click(message, label="Again"))
