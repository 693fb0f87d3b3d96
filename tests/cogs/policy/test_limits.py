"""Limits: what one member may ask for, and that nothing slips under them."""

from __future__ import annotations

import asyncio
import re
import time
from itertools import islice
from typing import Any

import discord
import pytest

from cogs.requests.acknowledgements import FEW
from engine import Job
from engine.jobs import rate_limits as rate_limits
from tests.cogs.app import App, number, refused, told, told_after
from tests.discord_server import Upload, Use


async def refusals(*uses: Use) -> list[str]:
    """What was said to those people alone."""
    messages = [await use.message() for use in uses]
    return [message.text() for message in messages if message.ephemeral]


async def test_the_hour_slides_and_the_refusal_tells_truly_when_to_go_on(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.open(limits={"pictures_per_hour": 3}):
        asked = time.time()
        await app.ask(app.alice, count=2)
        await app.ask(app.alice, count=1)
        refusal = await told(await app.alice.slash(app.art, "imagine", prompt="x", count=2))
        assert "you have 0 left of 3 pictures an hour." in refusal
        stamp = re.search(r"Try again <t:(\d+):R>\.", refusal)
        assert stamp, refusal
        until = int(stamp[1])
        assert asked + 3599 <= until <= asked + 3603
        for now, refused in ((until - 3, True), (until, False)):
            since = now - rate_limits.WINDOW
            monkeypatch.setattr("engine.jobs.submission.window_start", lambda since=since: since)
            use = await app.alice.slash(app.art, "imagine", prompt="x", count=2)
            assert (await use.message()).ephemeral is refused


async def test_more_pictures_than_an_hour_gives_are_never_promised_for_later(
    app: App,
) -> None:
    async with app.open(limits={"pictures_per_hour": 2}):
        refusal = await told(await app.alice.slash(app.art, "imagine", prompt="x", count=3))
        assert refusal == "You asked for 3 pictures, but your limit is 2 an hour."


async def test_who_is_over_the_limit_is_refused_before_their_picture_is_fetched(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetch(attachment: discord.Attachment) -> bytes:
        raise AssertionError("it must not be fetched")

    monkeypatch.setattr(discord.Attachment, "read", fetch)
    async with app.open(limits={"pictures_per_hour": 1}):
        await app.painted(app.alice)
        picture = Upload("fox.png", b"anything")
        for command, options in (
            ("imagine", {}),
            ("imagine", {"mask": picture}),
            ("grid", {"x": "seed", "x_values": "1, 2"}),
        ):
            use = await app.alice.slash(app.art, command, prompt="x", image=picture, **options)
            assert "You asked for" in await told(use)


async def test_who_is_over_the_limit_is_refused_before_a_picture_is_opened(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object, **__: object) -> None:
        raise AssertionError("it must not be opened")

    async with app.open(limits={"pictures_per_hour": 1}):
        message = await app.painted(app.alice)
        zoom = await (await app.press(app.alice, message, "Zoom out")).message()
        start = await (await app.press(app.alice, message, "Use as start image")).modal()
        monkeypatch.setattr("PIL.Image.open", opened)
        for label in ("Vary (subtle)", "Upscale 2×", "Upscale 2× (fast)"):
            use = await app.press(app.alice, message, label)
            assert "an hour" in await told_after(use), label
        assert "an hour" in await told(await app.alice.click(zoom, label="Zoom out 2×"))
        assert "an hour" in await told(await app.alice.submit(start, {"Prompt": "a barn"}))


async def test_of_many_at_once_each_is_acknowledged_before_the_others_are_stored(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = FEW + 3
    monkeypatch.setattr("cogs.requests.acknowledgements.SLOW", 60.0)
    async with app.open(limits={"pictures_per_hour": 1}) as bot:
        people = [app.guild.add_member(f"member {number}") for number in range(many)]
        stored, store = asyncio.Event(), bot.studio.submit

        async def slow(*values: Any) -> Job:
            await stored.wait()
            return await store(*values)

        monkeypatch.setattr(bot.studio, "submit", slow)
        asked = [asyncio.create_task(who.slash(app.art, "imagine", prompt="x")) for who in people]
        for acknowledged in islice(asyncio.as_completed(asked), many - FEW):
            await acknowledged
        stored.set()
        uses = await asyncio.gather(*asked)
        assert sorted(str(use.response) for use in uses) == ["4"] * FEW + ["5"] * (many - FEW)
        for use in uses:
            await app.done(await use.message())


async def test_a_disk_that_is_slow_keeps_nobody_waiting_for_an_acknowledgement(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cogs.requests.acknowledgements.SLOW", 0.0)
    async with app.open(limits={"pictures_per_hour": 1}):
        use = await app.alice.slash(app.art, "imagine", prompt="x")
        await app.done(await use.message())
        assert use.response == 5
        assert "an hour" in await refused(await app.alice.slash(app.art, "imagine", prompt="x"))


async def test_one_persons_limits_are_nobody_elses(app: App) -> None:
    async with app.open(limits={"pictures_per_hour": 1}):
        await app.painted(app.alice)
        assert not (await app.ask(app.bob)).ephemeral


async def test_waiting_jobs_are_bounded_and_one_that_is_over_makes_room(app: App) -> None:
    async with app.open(limits={"waiting_jobs": 1}):
        blocker = await app.occupy()
        first = await app.ask(app.alice)
        refusal = await told(await app.alice.slash(app.art, "imagine", prompt="x"))
        assert refusal.startswith("You already have 1 job")
        await app.free(blocker)
        await app.done(first)
        assert not (await app.ask(app.alice)).ephemeral


async def test_the_queue_is_bounded_for_everybody(app: App) -> None:
    async with app.open(limits={"queue_size": 2}):
        await app.occupy()
        await app.ask(app.alice)
        await app.ask(app.bob)
        dora = app.guild.add_member("dora")
        refusal = await told(await dora.slash(app.art, "imagine", prompt="x"))
        assert refusal == "The queue is full (2 jobs). Try again in a few minutes."


async def test_of_several_roles_the_most_generous_counts(app: App) -> None:
    regular, patron = app.guild.add_role("regular"), app.guild.add_role("patron")
    everything = app.guild.add_role("everything")
    dora = app.guild.add_member("dora", roles=[regular, patron])
    emil = app.guild.add_member("emil", roles=[everything, regular])
    limits = {
        "pictures_per_hour": 1,
        "roles": {
            regular.id: {"pictures_per_hour": 2},
            patron.id: {"pictures_per_hour": 4},
            everything.id: {"pictures_per_hour": "unlimited"},
        },
    }
    async with app.open(limits=limits):
        for who, many, refused in (
            (app.alice, 2, True),
            (dora, 4, False),
            (dora, 1, True),
            (emil, 4, False),
            (emil, 4, False),
        ):
            message = await app.ask(who, count=many)
            assert message.ephemeral is refused, (who.name, many)


@pytest.mark.parametrize("limit", ["pictures_per_hour", "waiting_jobs", "queue_size"])
async def test_two_requests_at_the_same_instant_do_not_both_slip_under_a_limit(
    app: App, limit: str
) -> None:
    async with app.open(limits={limit: 2}):
        await app.occupy(count=1)
        uses = await asyncio.gather(
            *(app.alice.slash(app.art, "imagine", prompt=str(i)) for i in range(4))
        )
        assert len(await refusals(*uses)) == 2


async def test_a_refused_request_uses_nothing_up_and_one_cancelled_in_line_gives_back(
    app: App,
) -> None:
    async with app.open(limits={"pictures_per_hour": 2}):
        await app.occupy(count=1)
        refused = await app.ask(app.alice, size="nonsense")
        assert refused.ephemeral
        message = await app.ask(app.alice, model="slow", count=2)
        assert (await app.ask(app.alice)).ephemeral
        await app.alice.click(message, label="Cancel")
        await app.done(message)
        assert not (await app.ask(app.alice, count=2)).ephemeral


async def test_limits_survive_a_restart(app: App) -> None:
    async with app.open(limits={"pictures_per_hour": 2}):
        await app.painted(app.alice, count=2)
    async with app.open(limits={"pictures_per_hour": 2}):
        refusal = await told(await app.alice.slash(app.art, "imagine", prompt="x"))
        assert "you have 0 left of" in refusal


async def test_deleting_pictures_gives_nothing_back(app: App) -> None:
    async with app.open(limits={"pictures_per_hour": 1}):
        message = await app.painted(app.alice)
        await app.alice.click(message, label="Delete")
        await app.discord.until(lambda: message.deleted)
        assert (await app.ask(app.alice)).ephemeral


async def test_again_is_counted_for_whoever_clicks(app: App) -> None:
    async with app.open(limits={"pictures_per_hour": 1}):
        message = await app.painted(app.alice)
        again = await (await app.bob.click(message, label="Again")).message()
        assert number(again) == 2
        assert "you have 0 left of" in await told(await app.bob.click(message, label="Again"))
