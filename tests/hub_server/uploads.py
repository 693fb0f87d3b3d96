"""What is written to the loopback Hub: repositories, large files, commits.

It goes by the requests of `huggingface_hub`: `create_repo`, `preupload_lfs_files` with Git LFS in
place of Xet, and `create_commit`. Whatever the client wouldn't send is refused.
"""

import base64
import binascii
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import yaml
from aiohttp import hdrs, web

from tests.hub_server.accounts import HubAccount
from tests.hub_server.cards import errors_in, head_of
from tests.hub_server.refusals import refusal, token_of
from tests.hub_server.repositories import LARGE, Repository, StoredFile

if TYPE_CHECKING:
    from tests.hub_server.server import HubServer

LFS = "application/vnd.git-lfs+json"
SAMPLE = 512
"""The most bytes of a file that are shown before it is uploaded."""


class Uploads:
    """The part of the Hub that takes.

    Attributes:
        large: Uploaded large files by their SHA-256, whether or not a commit has them.
        received: How often each of them was sent.
        failing_commits: How many commits are answered with 500 before one is taken.
    """

    def __init__(self, hub: "HubServer") -> None:
        self._hub = hub
        self.large: dict[str, bytes] = {}
        self.received: dict[str, int] = {}
        self.failing_commits = 0

    def add_to(self, app: web.Application) -> None:
        api, one = "/api/models/{owner}/{name}", "/{owner}/{name}"
        app.router.add_get("/api/whoami-v2", self._whoami)
        app.router.add_post("/api/repos/create", self._create)
        app.router.add_post("/api/validate-yaml", self._validate)
        app.router.add_put(f"{api}/settings", self._settings)
        app.router.add_post(f"{api}/preupload/{{revision}}", self._preupload)
        app.router.add_post(f"{api}/commit/{{revision}}", self._commit)
        app.router.add_post(f"{one}.git/info/lfs/objects/batch", self._batch)
        app.router.add_post(f"{one}.git/info/lfs/objects/verify", self._verify)
        app.router.add_put("/lfs/{oid}", self._store)

    async def _whoami(self, request: web.Request) -> web.Response:
        self._hub.asked.append((request.method, request.path))
        account = self._hub.account(request)
        if account is None:
            return refusal(401, "", "Invalid credentials in Authorization header")
        return web.json_response(account.whoami())

    async def _create(self, request: web.Request) -> web.Response:
        self._hub.asked.append((request.method, request.path))
        account = self._hub.account(request)
        if account is None:
            return refusal(401, "", "Invalid username or password.")
        body = await request.json()
        if not {"name", "organization"} <= body.keys() <= {
            *("name", "organization", "visibility", "type")
        } or not re.fullmatch(r"[\w-][\w.-]{0,95}", body["name"]):
            return refusal(400, "", "Invalid repo name")
        namespace = body["organization"] or account.name
        if not (account.may_write and account.belongs_to(namespace)):
            return refusal(
                403, "", f'You don\'t have the rights to create a model under "{namespace}"'
            )
        name = f"{namespace}/{body['name']}"
        url = f"{self._hub.endpoint}/{name}"
        if self._hub.repository(name) is not None:
            return refusal(409, "", "You already created this model repo", url=url)
        repository = Repository(name, {}, private=body.get("visibility") == "private")
        repository.put(".gitattributes", b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n")
        self._hub.keep(repository)
        return web.json_response({"url": url, "name": name, "id": name})

    async def _validate(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert body["repoType"] == "model"
        errors = [{"message": each} for each in errors_in(body["content"])]
        return web.json_response({"errors": errors, "warnings": []}, status=400 if errors else 200)

    async def _settings(self, request: web.Request) -> web.Response:
        found = self._writable(request)
        if isinstance(found, web.Response):
            return found
        body = await request.json()
        found.private = body["visibility"] == "private"
        return web.json_response({"private": found.private})

    async def _preupload(self, request: web.Request) -> web.Response:
        found = self._writable(request)
        if isinstance(found, web.Response):
            return found
        files = []
        for file in (await request.json())["files"]:
            sample = base64.b64decode(file["sample"], validate=True)
            assert len(sample) == min(SAMPLE, file["size"])
            stored = found.files.get(file["path"])
            large = "." + file["path"].rpartition(".")[2] in LARGE or file["size"] > 10 * 2**20
            entry = {
                "path": file["path"],
                "uploadMode": "lfs" if large else "regular",
                "shouldIgnore": False,
            }
            files.append(entry | ({"oid": stored.etag} if stored else {}))
        return web.json_response({"files": files, "commitOid": found.commit})

    async def _batch(self, request: web.Request) -> web.Response:
        found = self._writable(request)
        if isinstance(found, web.Response):
            return found
        assert request.headers[hdrs.ACCEPT] == request.headers[hdrs.CONTENT_TYPE] == LFS
        body = json.loads(await request.text())
        assert (body["operation"], body["hash_algo"]) == ("upload", "sha256")
        assert "basic" in body["transfers"]
        objects = []
        for each in body["objects"]:
            entry: dict[str, Any] = {"oid": each["oid"], "size": each["size"]}
            if each["oid"] not in self.large:
                verify = f"{self._hub.endpoint}/{found.name}.git/info/lfs/objects/verify"
                entry["actions"] = {
                    "upload": {"href": f"{self._hub.elsewhere}/lfs/{each['oid']}?signature=s"},
                    "verify": {"href": verify},
                }
            objects.append(entry)
        answer = json.dumps({"transfer": "basic", "objects": objects})
        return web.Response(text=answer, content_type=LFS)

    async def _store(self, request: web.Request) -> web.Response:
        assert hdrs.AUTHORIZATION not in request.headers, "the token is for the Hub alone"
        if request.query.get("signature") != "s":
            return web.Response(status=403)
        content, oid = await request.read(), request.match_info["oid"]
        if hashlib.sha256(content).hexdigest() != oid:
            return web.Response(status=400)
        self.large[oid] = content
        self.received[oid] = self.received.get(oid, 0) + 1
        return web.Response(headers={"ETag": f'"{oid[:32]}"'})

    async def _verify(self, request: web.Request) -> web.Response:
        found = self._writable(request)
        if isinstance(found, web.Response):
            return found
        body = await request.json()
        there = len(self.large.get(body["oid"], b"")) == body["size"]
        return web.json_response({"success": there}, status=200 if there else 404)

    async def _commit(self, request: web.Request) -> web.Response:
        found = self._writable(request)
        if isinstance(found, web.Response):
            return found
        if self.failing_commits:
            self.failing_commits -= 1
            return refusal(500, "", "Internal Error - We're working hard to fix this")
        assert request.content_type == "application/x-ndjson"
        lines = [json.loads(line) for line in (await request.text()).splitlines()]
        if not lines or lines[0]["key"] != "header" or not lines[0]["value"]["summary"]:
            return refusal(400, "", "The first line must be a header with a summary")
        changes: dict[str, bytes] = {}
        for line in lines[1:]:
            value = line["value"]
            try:
                changes[value["path"]] = self._content(line["key"], value)
            except (ValueError, LookupError) as error:
                return refusal(400, "", f"{value['path']}: {error}")
        for path, content in changes.items():
            found.put(path, content)
        if "README.md" in changes:
            card = changes["README.md"].decode()
            try:
                found.card = head_of(card)
            except yaml.YAMLError as error:
                return refusal(400, "", str(error))
        url = f"{self._hub.endpoint}/{found.name}/commit/{found.commit}"
        return web.json_response(
            {"success": True, "commitOid": found.commit, "commitUrl": url, "hookOutput": ""}
        )

    def _content(self, kind: str, value: dict[str, Any]) -> bytes:
        """What a line of a commit puts in a file. Raises `ValueError` or `LookupError`."""
        if kind == "file":
            if value["encoding"] != "base64" or StoredFile(value["path"], b"").is_large:
                raise ValueError("must be a pointer to LFS")
            try:
                return base64.b64decode(value["content"], validate=True)
            except binascii.Error as error:
                raise ValueError("isn't Base64") from error
        if kind != "lfsFile" or value["algo"] != "sha256":
            raise ValueError("unknown operation")
        content = self.large[value["oid"]]
        if len(content) != value["size"]:
            raise ValueError("has another size")
        return content

    def _writable(self, request: web.Request) -> Repository | web.Response:
        """The repository, if the token may write to it."""
        found = self._hub.find(request)
        if isinstance(found, web.Response):
            return found
        account: HubAccount | None = self._hub.account(request)
        if account is None:
            return refusal(401, "", "Invalid username or password.")
        if not (account.may_write and account.belongs_to(found.name.partition("/")[0])):
            return refusal(403, "", "You don't have write access to this repository")
        assert token_of(request)
        return found
