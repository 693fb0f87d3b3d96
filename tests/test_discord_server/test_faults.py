"""Trouble on order, and the rate limits that are always there."""

from __future__ import annotations

import time

import discord
import pytest
from discord.http import Route

from .conftest import Scene


@pytest.fixture
def channel(scene: Scene) -> discord.PartialMessageable:
    """The channel as the bot has it."""
    return scene.bot.get_partial_messageable(scene.art.id)


async def test_a_failure_is_retried_by_the_client(
    scene: Scene, channel: discord.PartialMessageable
) -> None:
    fault = scene.discord.fail_next(method="POST", path=r"/channels/.*", status=502)
    await channel.send("x")
    assert fault.hits == 1
    assert [request.status for request in scene.discord.requests[-2:]] == [502, 200]
    assert len(scene.art.messages) == 1


@pytest.mark.parametrize(("nonce", "posted"), [("abc", 1), (None, 2)])
async def test_a_lost_answer_posts_twice_without_a_nonce(
    scene: Scene, nonce: str | None, posted: int
) -> None:
    scene.discord.fail_next(method="POST", status=500, lose_answer=True)
    route = Route("POST", "/channels/{channel_id}/messages", channel_id=scene.art.id)
    body = {"content": "x"} | ({} if nonce is None else {"nonce": nonce, "enforce_nonce": True})
    await scene.bot.http.request(route, json=body)
    assert len(scene.art.messages) == posted


async def test_refusals_on_order_are_no_violations(
    scene: Scene, channel: discord.PartialMessageable
) -> None:
    scene.discord.fail_next(status=413)
    with pytest.raises(discord.HTTPException) as caught:
        await channel.send("x")
    assert (caught.value.status, caught.value.code) == (413, 40005)
    scene.discord.fail_next(status=429, retry_after=0.05)
    await channel.send("x")
    assert len(scene.discord.rate_limited) == 1


async def test_delays(scene: Scene, channel: discord.PartialMessageable) -> None:
    scene.discord.delay(0.2, method="POST")
    started = time.monotonic()
    await channel.send("x")
    assert time.monotonic() - started >= 0.2


async def test_faults_can_be_called_off(scene: Scene, channel: discord.PartialMessageable) -> None:
    scene.discord.fail_next(status=403, times=5)
    with pytest.raises(discord.Forbidden):
        await channel.send("x")
    scene.discord.call_off_faults()
    await channel.send("x")


async def test_edits_are_limited_to_five_in_five_seconds(
    scene: Scene, channel: discord.PartialMessageable
) -> None:
    message = await channel.send("0")
    path = "/channels/{channel_id}/messages/{message_id}"
    statuses = []
    for count in range(6):
        # Past discord.py's own limiter, which would wait.
        url = Route("PATCH", path, channel_id=scene.art.id, message_id=message.id).url
        session = scene.bot.http._HTTPClient__session  # type: ignore[attr-defined]
        headers = {"Authorization": f"Bot {scene.discord.token}"}
        body = {"content": str(count)}
        async with session.patch(url, json=body, headers=headers) as response:
            statuses.append(response.status)
            answer = await response.json()
    assert statuses == [200] * 5 + [429]
    assert 0 < answer["retry_after"] <= 5
    assert response.headers["X-RateLimit-Remaining"] == "0"
    assert scene.art.messages[0].content == "4"
    assert len(scene.discord.rate_limited) == 1


async def test_sending_and_editing_are_limited_apart(
    scene: Scene, channel: discord.PartialMessageable
) -> None:
    message = await channel.send("0")
    for count in range(3):
        await channel.send("x")
        await message.edit(content=str(count))
    assert scene.discord.rate_limited == []
