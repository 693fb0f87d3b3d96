"""Who gets to see the page: not other sites, not other names, nobody without the token."""

from __future__ import annotations

import asyncio
import time

import httpx2
import pytest

from cli.web.access import MAX_WAITING, SESSION_SECONDS, Access, Refusals
from cli.web.app import WebApp
from cli.web.guard import COOKIE
from tests.cli.web.conftest import TOKEN, House


@pytest.fixture
def locked(house: House, monkeypatch: pytest.MonkeyPatch) -> WebApp:
    """The page with a token; wrong ones take a moment only."""
    monkeypatch.setattr("cli.web.access.PENALTY", 0.01)
    return WebApp(house.sources, token=TOKEN)


async def refused(browser: httpx2.AsyncClient, reason: str) -> float:
    """How many requests were refused for that reason."""
    text = (await browser.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})).text
    [line] = [each for each in text.splitlines() if f'refused_total{{reason="{reason}"}}' in each]
    return float(line.split()[-1])


OTHER_NAMES = ("evil.example:8722", "127.0.0.1.evil.example", "", "[::1].x", "::1", "localhost.")


async def test_without_a_token_only_this_machine_is_answered_by_its_names(house: House) -> None:
    async with house.browser() as browser:
        for name in OTHER_NAMES:
            for path in ("/", "/metrics", "/healthz", "/events", "/pictures/1/0"):
                answer = await browser.get(path, headers={"Host": name})
                assert answer.status_code == 421, (name, path)
        assert await refused(browser, "host") == len(OTHER_NAMES) * 5
        for name in ("localhost", "LOCALHOST:8722", "127.0.0.1:1", "[::1]:8722"):
            answer = await browser.get("/healthz", headers={"Host": name})
            assert answer.status_code == 200, name


async def test_without_a_token_nobody_is_answered_through_a_proxy(
    house: House, locked: WebApp
) -> None:
    for header in ("X-Forwarded-For", "Forwarded", "Via"):
        answer = await house.get("/", **{header: "203.0.113.9"})
        assert answer.status_code == 421
        assert "Set [web] token" in answer.text
    async with house.browser(locked, Authorization=f"Bearer {TOKEN}") as browser:
        assert (await browser.get("/", headers={"Via": "1.1 proxy"})).status_code == 200


FOREIGN: tuple[dict[str, str], ...] = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:80"},
    {"Origin": "http://[evil"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
)


async def test_other_sites_read_nothing(house: House) -> None:
    async with house.browser() as browser:
        for headers in FOREIGN:
            for path in ("/", "/events", "/metrics"):
                answer = await browser.get(path, headers=headers)
                assert answer.status_code == 403, (headers, path)
        assert await refused(browser, "origin") == 3 * len(FOREIGN)


async def test_a_link_to_the_page_may_be_followed_but_only_to_the_page(house: House) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    link["Sec-Fetch-Dest"] = "document"
    assert (await house.get("/", **link)).status_code == 200
    assert (await house.get("/pictures/1/0", **link)).status_code == 403


async def test_every_answer_says_what_browsers_may_do_with_it(house: House) -> None:
    for path, host in (("/", "localhost"), ("/nowhere", "localhost"), ("/", "evil.example")):
        answer = await house.get(path, Host=host)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self';")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin", "or forms have no origin"
        assert answer.headers["Cache-Control"] == "no-store"


async def test_nothing_can_be_changed(house: House) -> None:
    async with house.browser() as browser:
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            for path in ("/", "/events", "/pictures/1/0", "/metrics", "/healthz"):
                assert (await browser.request(method, path)).status_code in (404, 405)


async def test_prometheus_shows_the_token_in_a_header(house: House, locked: WebApp) -> None:
    async with house.browser(locked, Host="atelier.example") as browser:
        bare = await browser.get("/metrics")
        assert bare.status_code == 401
        assert bare.headers["WWW-Authenticate"] == "Bearer"
        wrong = await browser.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}x"})
        assert wrong.status_code == 401
        assert await refused(browser, "token") == 1
        assert (await browser.get("/healthz")).status_code == 200


@pytest.mark.parametrize("host", ["x/healthz?", "x/login#", "x/static/page.css?", "x/healthz/.."])
async def test_a_host_cannot_pretend_another_path(house: House, locked: WebApp, host: str) -> None:
    async with house.browser(locked, Host=host) as browser:
        for path in ("/metrics", "/events", "/pictures/1/0"):
            assert (await browser.get(path)).status_code == 401, path
        assert (await browser.get("/")).status_code == 303


async def test_a_browser_types_the_token_once(house: House, locked: WebApp) -> None:
    async with house.browser(locked) as browser:
        sent_away = await browser.get("/")
        assert (sent_away.status_code, sent_away.headers["Location"]) == (303, "/login")
        form = await browser.get("/login")
        assert form.status_code == 200
        assert 'type="password"' in form.text
        wrong = await browser.post("/login", data={"token": "guess"})
        assert wrong.status_code == 401
        assert "This isn&#39;t the token." in wrong.text
        right = await browser.post("/login", data={"token": f" {TOKEN}\n"})
        assert right.status_code == 303
        cookie = right.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert TOKEN not in cookie
        assert (await browser.get("/")).status_code == 200
        left = await browser.post("/logout")
        assert left.headers["Location"] == "/login"
        assert (await browser.get("/")).status_code == 303


async def test_behind_a_proxy_with_tls_the_session_is_never_sent_without(
    house: House, locked: WebApp
) -> None:
    for scheme, secure in (("https", True), ("http", False)):
        origin = f"{scheme}://atelier.example"
        async with house.browser(locked, Host="atelier.example", Origin=origin) as browser:
            answer = await browser.post("/login", data={"token": TOKEN})
            assert answer.status_code == 303
            assert ("; Secure" in answer.headers["Set-Cookie"]) is secure


async def test_another_site_cannot_type_it(house: House, locked: WebApp) -> None:
    async with house.browser(locked, Origin="https://evil.example") as browser:
        answer = await browser.post("/login", data={"token": TOKEN})
        assert answer.status_code == 403
        assert "Set-Cookie" not in answer.headers


FORGED = ("1", ".", "9999999999.", "٣.x", "9" * 5000, "x" * 9000)


async def test_a_forged_session_is_counted_and_no_session(house: House, locked: WebApp) -> None:
    async with house.browser(locked) as browser:
        for session in FORGED:
            cookie = {b"Cookie": f"{COOKIE}={session}".encode()}
            answer = await browser.get("/", headers=cookie)
            assert answer.status_code == 303, session
        assert await refused(browser, "token") == len(FORGED)


async def test_what_is_typed_has_a_bound(house: House, locked: WebApp) -> None:
    async with house.browser(locked) as browser:
        for token, status in (("x" * 10_000, 413), ("\udcff".encode(errors="replace"), 401)):
            answer = await browser.post("/login", data={"token": token})
            assert answer.status_code == status
        assert (await browser.post("/login", content=b"\xff\x00=&&token")).status_code == 401


async def test_guesses_are_slow_and_many_at_once_are_turned_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    go_on = asyncio.Event()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await go_on.wait()

    monkeypatch.setattr("cli.web.access.asyncio.sleep", sleep)
    refusals = Refusals()
    access = Access(TOKEN, refusals)
    guesses = [asyncio.create_task(access.refuse()) for _ in range(1000)]
    while len(waits) < MAX_WAITING:
        await asyncio.wait(guesses, return_when=asyncio.FIRST_COMPLETED)
    go_on.set()
    answers = await asyncio.gather(*guesses)
    assert answers.count("token") == MAX_WAITING == len(waits)
    assert refusals.counts["busy"] == 1000 - MAX_WAITING
    assert waits[0] >= 1.0


def test_a_session_ends_and_another_token_ends_it() -> None:
    now = time.time()
    access = Access(TOKEN, Refusals(), lambda: now)
    session = access.new_session()
    assert access.holds(session)
    assert not Access(TOKEN + "!", Refusals()).holds(session)
    late = Access(TOKEN, Refusals(), lambda: now + SESSION_SECONDS + 1)
    assert not late.holds(session)
    end, _, signature = session.partition(".")
    assert not access.holds(f"{int(end) + 1}.{signature}")
    assert not access.knows("")
    assert not access.knows("pässwörd-of-sixteen")
    assert access.knows(TOKEN)
