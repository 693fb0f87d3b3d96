"""The server itself: in a thread of its own, since the Hub's client blocks."""

import asyncio
import threading
from pathlib import Path
from typing import Self

from aiohttp import hdrs, web

from tests.hub_server.accounts import HubAccount
from tests.hub_server.faults import Fault
from tests.hub_server.refusals import refusal, token_of
from tests.hub_server.repositories import Repository, StoredFile
from tests.hub_server.uploads import Uploads

PIECE = 16_384
"""Bytes sent at once."""

TERMS = "Access to model is restricted and you are not in the authorized list."


class HubServer:
    """The loopback Hub. Its endpoint is for the client's; it stops with its `with` block.

    Attributes:
        members: Tokens whose owners have accepted the terms of every gated model.
        asked: Method and path of all questions, in their order.
        accounts: Who has a token that may write or see private repositories, by the token.
        uploads: What is written to it.
    """

    def __init__(self) -> None:
        self.members: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self.accounts: dict[str, HubAccount] = {}
        self.uploads = Uploads(self)
        self._repositories: dict[str, Repository] = {}
        self._sent: dict[str, int] = {}
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._port = 0
        self._thread = threading.Thread(target=self._run, name="hub", daemon=True)
        self._ready = threading.Event()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def elsewhere(self) -> str:
        """The other host, for large files."""
        return f"http://localhost:{self._port}"

    def add(self, name: str, folder: Path) -> Repository:
        """Put a folder on the Hub."""
        return self.keep(Repository.of(name, folder))

    def keep(self, repository: Repository) -> Repository:
        """Have a repository on the Hub."""
        self._repositories[repository.name] = repository
        return repository

    def repository(self, name: str) -> Repository | None:
        """The repository of that name."""
        return self._repositories.get(name)

    def welcome(self, account: HubAccount) -> HubAccount:
        """Have an account on the Hub."""
        self.accounts[account.token] = account
        return account

    def account(self, request: web.Request) -> HubAccount | None:
        """Whose token a request has; `None` if nobody's."""
        return self.accounts.get(token_of(request))

    def sent(self, path: str) -> int:
        """How many bytes of a file have gone out."""
        return self._sent.get(path, 0)

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
        app = web.Application(client_max_size=2**30)
        self.uploads.add_to(app)
        one = "/{owner}/{name}"
        app.router.add_get(f"/api/models{one}", self._info)
        app.router.add_get(f"/api/models{one}/revision/{{revision}}", self._info)
        app.router.add_get(f"/api/models{one}/tree/{{revision}}", self._tree)
        app.router.add_get(f"{one}/resolve/{{revision}}/{{path:.+}}", self._resolve)
        app.router.add_get(f"/cdn{one}/{{path:.+}}", self._cdn)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._port = runner.addresses[0][1]
        self._ready.set()
        await self._over.wait()
        await runner.cleanup()

    async def _info(self, request: web.Request) -> web.Response:
        found = self.find(request)
        if isinstance(found, web.Response):
            return found
        body = {
            "id": found.name,
            "sha": found.commit,
            "private": found.private,
            "gated": "auto" if found.gated else False,
            "cardData": found.card,
            "siblings": [
                file.sibling() if request.query.get("blobs") else {"rfilename": file.path}
                for file in found.files.values()
            ],
        }
        return web.json_response(body)

    async def _tree(self, request: web.Request) -> web.Response:
        found = self.find(request)
        if isinstance(found, web.Response):
            return found
        return web.json_response([file.leaf() for file in found.files.values()])

    async def _resolve(self, request: web.Request) -> web.StreamResponse:
        found = self.find(request)
        if isinstance(found, web.Response):
            return found
        if found.gated and (token := token_of(request)) not in self.members:
            return refusal(403 if token else 401, "GatedRepo", TERMS)
        file = found.files.get(request.match_info["path"])
        if file is None:
            return refusal(404, "EntryNotFound", "Entry not found", found.commit)
        headers = {"X-Repo-Commit": found.commit, "ETag": f'"{file.etag}"'}
        if not file.is_large:
            return await self._bytes(request, file, found.faults.get(file.path, Fault()), headers)
        headers["X-Linked-Size"] = str(len(file.content))
        headers["X-Linked-Etag"] = headers.pop("ETag")
        headers["Location"] = f"{self.elsewhere}/cdn/{found.name}/{file.path}"
        return web.Response(status=302, headers=headers)

    async def _cdn(self, request: web.Request) -> web.StreamResponse:
        assert hdrs.AUTHORIZATION not in request.headers, "the token is for the Hub alone"
        info = request.match_info
        found = self._repositories[f"{info['owner']}/{info['name']}"]
        file = found.files[info["path"]]
        return await self._bytes(request, file, found.faults.get(file.path, Fault()), {})

    async def _bytes(
        self, request: web.Request, file: StoredFile, fault: Fault, headers: dict[str, str]
    ) -> web.StreamResponse:
        if (status := fault.refuses()) is not None:
            return web.Response(status=status)
        content = file.content
        if fault.corrupt:
            content = bytes([content[0] ^ 0xFF]) + content[1:]
        part = request.http_range
        start, stop, _ = part.indices(len(content))
        if part.start is None or fault.whole:
            start, stop, status = 0, len(content), 200
        else:
            status = 206
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = stop - start
        await response.prepare(request)
        if request.method == hdrs.METH_HEAD:
            return response
        end = start + fault.ends(stop - start)
        for place in range(start, end, PIECE):
            if fault.stall_after is not None and place >= fault.stall_after:
                await self._over.wait()
            piece = content[place : min(end, place + PIECE)]
            self._sent[file.path] = self._sent.get(file.path, 0) + len(piece)
            await response.write(piece)
        if end < stop and request.transport is not None:
            request.transport.close()
        return response

    def find(self, request: web.Request) -> Repository | web.Response:
        """The repository of a question, as far as its token may see it."""
        self.asked.append((request.method, request.path))
        info = request.match_info
        found = self._repositories.get(f"{info['owner']}/{info['name']}")
        account = self.account(request)
        hidden = found is not None and found.private
        if found is None or (hidden and not (account and account.belongs_to(info["owner"]))):
            status = 404 if token_of(request) else 401
            return refusal(status, "RepoNotFound", "Repository not found")
        if not found.has(info.get("revision", "main")):
            return refusal(404, "RevisionNotFound", "Invalid rev id", found.commit)
        return found
