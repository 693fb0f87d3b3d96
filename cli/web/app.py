"""The addresses of the page, the metrics and the health check."""

from collections.abc import Collection
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from cli.web.access import Access, Refusals
from cli.web.cached import Cached
from cli.web.gallery import Gallery
from cli.web.guard import Guard
from cli.web.health import Health, health_of
from cli.web.live import Live
from cli.web.login import Login
from cli.web.metrics import Metrics
from cli.web.overview import Looker
from cli.web.page import Page, language_of
from cli.web.sampler import Sampler
from cli.web.sources import Sources

STATIC = Path(__file__).parent / "static"

PICTURES_KEPT = {"Cache-Control": "private, max-age=600"}
"""How long browsers keep pictures: one that was deleted is to be gone soon."""


class WebApp:
    """An ASGI application; `start` it before, and `stop` it after use."""

    def __init__(
        self, sources: Sources, *, token: str | None = None, own_names: Collection[str] = ()
    ) -> None:
        """Make the page.

        Args:
            sources: What it shows.
            token: What has to be typed to see it, if anything.
            own_names: Hosts by which this machine reaches it, besides the usual ones.
        """
        registry, refusals = CollectorRegistry(), Refusals()
        access = Access(token, refusals)
        self._sampler = Sampler(registry, sources.studio, sources.folder)
        self._metrics = Metrics(registry, sources, self._sampler, refusals)
        self._gallery = Gallery(sources)
        self._health = Cached(partial(health_of, sources), 1.0, Health(False, False))
        self._looker = Looker(sources, self._sampler, self._gallery, self._health)
        self._page = Page(self._looker)
        self._live = Live(self._page)
        self._can_leave = access.needed
        login = Login(access, self._page)
        routes = [
            Route("/", self._show),
            Route("/events", self._follow),
            Route("/previews/{job:int}", self._show_preview),
            Route("/pictures/{job:int}/{number:int}", self._show_picture),
            Route("/thumbnails/{job:int}/{number:int}", self._show_thumbnail),
            Route("/metrics", self._tell_metrics),
            Route("/healthz", self._tell_health),
            Route("/login", login.show),
            Route("/login", login.enter, methods=["POST"]),
            Route("/logout", login.leave, methods=["POST"]),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
        self._app = Guard(Starlette(routes=routes), access, refusals, own_names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self._app(scope, receive, send)

    def start(self) -> None:
        """Take samples from now on."""
        self._sampler.start()

    def close(self) -> None:
        """End what would go on forever."""
        self._live.close()

    async def stop(self) -> None:
        """Take no more samples."""
        self.close()
        await self._sampler.stop()

    async def _show(self, request: Request) -> Response:
        html = await self._page.document(_language(request), can_leave=self._can_leave)
        return HTMLResponse(html, headers={"Vary": "Accept-Language"})

    async def _follow(self, request: Request) -> Response:
        if request.method == "HEAD":  # nothing would be heard of what follows
            return Response(media_type="text/event-stream")
        return self._live.response(_language(request))

    async def _show_preview(self, request: Request) -> Response:
        preview = self._looker.preview(request.path_params["job"])
        if preview is None:
            return _nothing()
        return Response(preview, media_type="image/webp", headers=PICTURES_KEPT)

    async def _show_picture(self, request: Request) -> Response:
        file = await self._file(request)
        if file is None or not file.is_file():
            return _nothing()
        return FileResponse(file, headers=PICTURES_KEPT)

    async def _show_thumbnail(self, request: Request) -> Response:
        file = await self._file(request)
        small = None if file is None else await self._gallery.thumbnail(file)
        if small is None:
            return _nothing()
        return Response(small, media_type="image/webp", headers=PICTURES_KEPT)

    async def _file(self, request: Request) -> Path | None:
        return await self._gallery.file(request.path_params["job"], request.path_params["number"])

    async def _tell_metrics(self, request: Request) -> Response:
        text, media_type = self._metrics.text(request.headers.get("accept", ""))
        return Response(text, headers={"Content-Type": media_type})

    async def _tell_health(self, request: Request) -> Response:
        health = await self._health.get()
        return JSONResponse(health.to_json(), 200 if health.good else 503)


def _language(request: Request) -> str:
    return language_of(request.headers.get("accept-language", ""))


def _nothing() -> Response:
    return PlainTextResponse("There is no such picture here.", 404)
