"""The page over real connections: it starts and ends with the bot, and never ends the bot."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from contextlib import closing

import httpx2
import pytest

from cli.web.server import MAX_HEADERS, serve
from cli.web.settings import WebSettings
from tests.cli.web.conftest import TOKEN, House


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def talk(port: int, request: bytes) -> bytes:
    """What is answered to these bytes, until the other side hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await writer.drain()
        return await reader.read(-1)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_it_serves_until_the_bot_stops_and_leaves_signals_alone(house: House) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    port = free_port()
    async with serve(WebSettings(listen=f"127.0.0.1:{port}"), house.sources) as health:
        assert health == f"http://127.0.0.1:{port}/healthz"
        async with httpx2.AsyncClient() as client:
            assert (await client.get(health)).json()["status"] == "ok"
            page = await client.get(f"http://127.0.0.1:{port}/")
            assert "Painting now" in page.text
            assert "server" not in page.headers
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
        follower = asyncio.create_task(
            talk(port, b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        )
        await asyncio.sleep(0.2)
        assert not follower.done()
    assert b"event: sections" in await follower, "and it ended in order"
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_port_that_is_taken_is_told_and_the_bot_runs_on(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        async with serve(WebSettings(listen=listen), house.sources) as health:
            assert health is None
    [line] = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert line.startswith(f"There is no page: {listen} can't be listened on (")


async def test_without_an_address_there_is_no_page(house: House) -> None:
    async with serve(WebSettings(), house.sources) as health:
        assert health is None


async def test_requests_that_are_none_are_refused_and_fill_no_log(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    settings = WebSettings(listen=f"127.0.0.1:{port}", token=TOKEN)
    async with serve(settings, house.sources):
        huge = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Huge: " + b"y" * 10 * MAX_HEADERS
        assert (await talk(port, huge + b"\r\n\r\n")).startswith((b"HTTP/1.1 400", b""))
        many = b"".join(b"X-%d: y\r\n" % number for number in range(20_000))
        for request in (
            b"GET / HTTP/1.1\r\nHost: x\r\n" + many + b"\r\n",
            b"GET /" + b"a" * 10 * MAX_HEADERS + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
            b"HELLO\r\n\r\n",
        ):
            assert b" 200 " not in await talk(port, request)
        bearer = f"Authorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n".encode()
        right = b"GET /metrics HTTP/1.1\r\nHost: atelier.example\r\n" + bearer
        assert b"atelier_jobs" in await talk(port, right)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_those_who_say_nothing_or_very_slowly_are_hung_up_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.web.connection.REQUEST_SECONDS", 0.3)
    port = free_port()
    settings = WebSettings(listen=f"127.0.0.1:{port}", token=TOKEN)
    who = f"Host: localhost\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
    begun = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\ntoken="
    once = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with serve(settings, house.sources), asyncio.timeout(20):
        follower = asyncio.create_task(talk(port, b"GET /events HTTP/1.1\r\n" + who + b"\r\n"))
        for request in (b"", b"GET / HTTP/1.1\r\nHost: loc", begun, once, once + b"GET "):
            await talk(port, request)
        assert not follower.done(), "it has asked"
    await follower


async def test_the_head_of_what_goes_on_is_all_of_it(house: House) -> None:
    port = free_port()
    async with serve(WebSettings(listen=f"127.0.0.1:{port}"), house.sources), asyncio.timeout(3):
        asked = b"HEAD /events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        assert b" 200 " in await talk(port, asked)
