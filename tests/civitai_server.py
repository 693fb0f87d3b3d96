"""A Civitai on the loopback interface: its public API, and its storage on another host.

It answers what the API answers about versions and models, sends downloads on to a storage that must
not see the token, and sends those without a login to its login page.
"""

import asyncio
import hashlib
import threading
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import hdrs, web

from tests.hub_server import Fault

PIECE = 16_384
"""Bytes sent at once."""


@dataclass
class Version:
    """A version of a model on Civitai, with one file.

    Attributes:
        number: Its ID; its model's is ten times that.
        content: The bytes of its file.
        name: The name of its file.
        kind: `Checkpoint`, `LORA` or another type of model.
        words: Its trigger words.
        base_model: What it was made from.
        sellable: Whether its author allows selling pictures.
        login: Whether its file needs one.
        digest: The SHA-256 that is given for the file; its own if `None`.
        form: How the file's format is called.
        elsewhere: An address in place of its own for the download.
        usage: What its author allows.
        fault: How its file comes wrong.
    """

    number: int
    content: bytes
    name: str = "fox.safetensors"
    kind: str = "LORA"
    words: tuple[str, ...] = ("foxx", "red fur")
    base_model: str = "SD 1.5"
    sellable: bool = True
    login: bool = False
    digest: str | None = None
    form: str = "SafeTensor"
    elsewhere: str | None = None
    usage: str = "Download"
    fault: Fault = field(default_factory=Fault)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest() if self.digest is None else self.digest


class CivitaiServer:
    """The loopback Civitai; it stops with its `with` block.

    Attributes:
        versions: By their IDs.
        members: Tokens with a login.
        seen: Host, path and token of all questions, in their order.
        sent: Bytes of files that have gone out.
    """

    def __init__(self) -> None:
        self.versions: dict[int, Version] = {}
        self.members: set[str] = set()
        self.seen: list[tuple[str, str, str]] = []
        self.sent = 0
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._port = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="civitai", daemon=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def storage(self) -> str:
        return f"http://localhost:{self._port}"

    def add(self, version: Version) -> Version:
        """Put a version there."""
        self.versions[version.number] = version
        return version

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        app = web.Application(middlewares=[self._noted])
        app.router.add_get("/api/v1/model-versions/{id}", self._version)
        app.router.add_get("/api/v1/model-versions/by-hash/{hash}", self._by_hash)
        app.router.add_get("/api/v1/models/{id}", self._model)
        app.router.add_get("/api/download/models/{id}", self._download)
        app.router.add_get("/login", self._login)
        app.router.add_get("/storage/{id}", self._stored)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._port = runner.addresses[0][1]
        self._ready.set()
        await self._over.wait()
        await runner.cleanup()

    @web.middleware
    async def _noted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        token = request.headers.get(hdrs.AUTHORIZATION, "").removeprefix("Bearer ")
        self.seen.append((request.url.host or "", request.path, token))
        found: web.StreamResponse = await handler(request)
        return found

    async def _version(self, request: web.Request) -> web.Response:
        found = self.versions.get(int(request.match_info["id"]))
        return self._answer(found)

    async def _by_hash(self, request: web.Request) -> web.Response:
        digest = request.match_info["hash"].lower()
        found = (each for each in self.versions.values() if each.sha256.startswith(digest))
        return self._answer(next(found, None))

    async def _model(self, request: web.Request) -> web.Response:
        model = int(request.match_info["id"])
        found = [each for each in self.versions.values() if each.number * 10 == model]
        if not found:
            return web.json_response({"error": "Model not found"}, status=404)
        uses = ["Image", "RentCivit"] if found[0].sellable else ["RentCivit"]
        versions = [{"id": each.number} for each in found]
        return web.json_response(
            {"id": model, "allowCommercialUse": uses, "modelVersions": versions}
        )

    def _answer(self, version: Version | None) -> web.Response:
        if version is None:
            return web.json_response({"error": "Model not found"}, status=404)
        url = version.elsewhere or f"{self.endpoint}/api/download/models/{version.number}"
        file = {
            "id": 1,
            "name": version.name,
            "type": "Model",
            "primary": True,
            "sizeKB": len(version.content) / 1024,
            "metadata": {"format": version.form, "size": "pruned", "fp": "fp16"},
            "hashes": {"AutoV2": version.sha256[:10].upper(), "SHA256": version.sha256.upper()},
            "downloadUrl": url,
        }
        training = {"name": "data.zip", "type": "Training Data", "sizeKB": 1, "hashes": {}}
        return web.json_response(
            {
                "id": version.number,
                "modelId": version.number * 10,
                "name": "v1.0",
                "baseModel": version.base_model,
                "usageControl": version.usage,
                "trainedWords": list(version.words),
                "model": {"name": "Fox", "type": version.kind, "nsfw": False},
                "files": [training, file],
                "downloadUrl": url,
            }
        )

    async def _download(self, request: web.Request) -> web.Response:
        version = self.versions[int(request.match_info["id"])]
        token = request.headers.get(hdrs.AUTHORIZATION, "").removeprefix("Bearer ")
        if version.login and token not in self.members:
            location = "/login?returnUrl=/models&reason=download-auth"
        else:
            location = f"{self.storage}/storage/{version.number}?signature=abc"
        return web.Response(status=307, headers={"Location": location})

    async def _login(self, _: web.Request) -> web.Response:
        return web.Response(text="<html>Sign in</html>", content_type="text/html")

    async def _stored(self, request: web.Request) -> web.StreamResponse:
        if hdrs.AUTHORIZATION in request.headers:
            return web.Response(status=400, text="Only one auth mechanism allowed")
        version = self.versions[int(request.match_info["id"])]
        if (status := version.fault.refuses()) is not None:
            return web.Response(status=status)
        content = version.content
        if version.fault.corrupt:
            content = content[:-1] + bytes([content[-1] ^ 0xFF])
        part = request.http_range
        start, stop, _ = part.indices(len(content))
        headers = {}
        if part.start is not None:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
        response = web.StreamResponse(status=200 if part.start is None else 206, headers=headers)
        response.content_length = stop - start
        await response.prepare(request)
        end = start + version.fault.ends(stop - start)
        for place in range(start, end, PIECE):
            piece = content[place : min(end, place + PIECE)]
            self.sent += len(piece)
            await response.write(piece)
        if end < stop and request.transport is not None:
            request.transport.close()
        return response
