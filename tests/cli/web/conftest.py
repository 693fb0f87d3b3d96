"""A page of a studio that paints tiny pictures, and of a bot that is told what is public."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cli.web.app import WebApp
from cli.web.recent_problems import RecentProblems
from cli.web.sources import Picture, Sources
from engine import ImageRequest, Requester, Search, Studio, Viewer, open_studio
from tests.engine.builders import engine_settings, model_settings
from tests.engine.conftest import gate as gate
from tests.engine.conftest import one_thread as one_thread

PUBLIC, PRIVATE = {"public": True}, {"public": False}
"""Places of messages, as `Bot` reads them."""

TOKEN = "correct-horse-battery-staple"


class Traffic:
    """Numbers as they might be."""

    def __init__(self) -> None:
        self.responses: Counter[str] = Counter({"2xx": 12, "5xx": 1})
        self.rate_limited = 2
        self.deliveries = 3
        self.delivery_failures: Counter[str] = Counter({"retried": 1})


class Bot:
    """A bot of which everything is known."""

    def __init__(self, studio: Studio) -> None:
        self.name: str | None = "Atelier"
        self.connected = True
        self.latency: float | None = 0.042
        self.traffic = Traffic()
        self._studio = studio

    async def public_pictures(self, size: int) -> Sequence[Picture]:
        viewer = Viewer(owner="", scope="", can_see=lambda ref: bool(ref["public"]))
        jobs = await self._studio.latest_visible_jobs(viewer, Search(), size)
        return [(job, tuple(range(len(job.pictures)))) for job in jobs]

    def is_public(self, message_ref: Any) -> bool:
        return bool(message_ref["public"])


class House:
    """A studio, the page on it, and a browser."""

    def __init__(self, studio: Studio, folder: Path) -> None:
        self.studio = studio
        self.bot = Bot(studio)
        self.problems = RecentProblems(lambda text: text.replace("hunter2", "[secret]"))
        self.sources = Sources(
            studio=studio, bot=self.bot, problems=self.problems, folder=folder, version="1.2.3"
        )
        self.app = WebApp(self.sources)

    def browser(self, app: WebApp | None = None, **headers: str) -> httpx2.AsyncClient:
        """A client on this machine."""
        transport = httpx2.ASGITransport(app=app or self.app)
        address = "http://127.0.0.1:8722"
        return httpx2.AsyncClient(transport=transport, base_url=address, headers=headers)

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        """The answer to one request."""
        async with self.browser() as browser:
            return await browser.get(path, headers=headers)

    async def submit(self, place: object = PUBLIC, owner: str = "ada", **asked: Any) -> int:
        """Ask for a picture."""
        values: dict[str, Any] = {"prompt": "a red house", "seed": 7, "num_inference_steps": 2}
        request = ImageRequest(**values | asked)
        return (await self.studio.submit(request, Requester(owner=owner, message_ref=place))).id

    async def painted(self, place: object = PUBLIC, **asked: Any) -> int:
        """Ask for a picture, and wait until it is painted."""
        job_id = await self.submit(place, **asked)
        async with asyncio.timeout(60):
            async for _ in self.studio.watch(job_id):
                pass
        return job_id


@asynccontextmanager
async def opened(folder: Path, model: Path, **engine: Any) -> AsyncIterator[House]:
    """A house on that data folder."""
    settings = engine_settings(**{"grace": 0.0} | engine)
    async with open_studio(settings, {"tiny": model_settings(model)}, folder) as studio:
        yield House(studio, folder)


@pytest.fixture
async def house(tmp_path: Path, tiny_model: Path, one_thread: None) -> AsyncIterator[House]:
    async with opened(tmp_path / "data", tiny_model) as house:
        yield house


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on the page is remembered for longer than a moment."""
    monkeypatch.setattr("cli.web.cached.Cached._is_old", property(lambda self: True))
