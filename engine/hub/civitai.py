"""Asks Civitai about models, by its public API. Every call blocks: keep it off the event loop.

The API is described at https://developer.civitai.com/site/reference/model-versions. The token goes
into the `Authorization` header of requests to Civitai itself, never into an address, and not along
when Civitai sends a download on to where its files are.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import get_session

from engine.errors import ModelUnavailable
from engine.hub.civitai_errors import explain_civitai_error, require_file, require_status
from engine.hub.errors import CorruptFile
from engine.hub.tensor_headers import HEADER_LIMIT, Tensor, parse_safetensors
from speech import say

ENDPOINT = "https://civitai.com"

TIMEOUT = 15.0
"""Seconds that Civitai gets to answer."""

FRESH = 300.0
"""Seconds for which a version isn't asked for again: looked up, shown, then downloaded."""

FIRST_BYTES = 1 << 19
"""Bytes of a file that are requested first for its header."""

ANSWER_LIMIT = 20_000_000
"""Bytes of an answer beyond which it isn't read."""

ERRORS = (OSError, ValueError, TypeError, LookupError, AttributeError, httpx2.HTTPError)
"""What an answer that isn't as described may raise."""

MAX_WORDS, MAX_WORD = 30, 200
"""Trigger words that are kept, and characters of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CivitaiVersion:
    """A version of a model on Civitai, and its file of weights.

    Attributes:
        version: Its ID.
        name: Of the model and the version.
        kind: What it is, such as `Checkpoint` or `LORA`.
        base_model: What it was made from, in Civitai's words.
        trained_words: The words that it answers to.
        file: The name of the file.
        size: Of the file, in bytes, roughly; the header's answer tells exactly.
        digest: SHA-256 of the file.
        url: The address of the file on Civitai, which sends on to where it is.
        licence: What its author allows, as a name for `engine.models.licences`.
    """

    version: int
    name: str
    kind: str
    base_model: str
    trained_words: tuple[str, ...]
    file: str
    size: int
    digest: str
    url: str
    licence: str | None = None


@dataclass(frozen=True, slots=True)
class CivitaiHeader:
    """The header of a file: its tensors, and its exact size in bytes."""

    tensors: tuple[Tensor, ...]
    size: int


@dataclass(frozen=True, slots=True)
class CivitaiClient:
    """Civitai's address, and the account to use.

    Attributes:
        endpoint: The address; `None` for the public one.
        token: An API key, for what needs a login; `None` for `CIVITAI_TOKEN`, if that is set.
    """

    endpoint: str | None = None
    token: str | None = field(default=None, repr=False)
    _seen: dict[int, tuple[float, CivitaiVersion]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def base(self) -> str:
        return self.endpoint or ENDPOINT

    @property
    def has_token(self) -> bool:
        """Whether it asks as an account."""
        return bool(self.headers)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a request to Civitai itself, with the token."""
        token = self.token or os.environ.get("CIVITAI_TOKEN", "").strip()
        return {"Authorization": f"Bearer {token}"} if token else {}

    def version(self, version: int) -> CivitaiVersion:
        """A version by its ID; what was said of it in the last minutes holds.

        Raises:
            ModelUnavailable: It doesn't exist, can't be used, or Civitai can't be reached.
        """
        return self._version_of(version)

    def version_by_digest(self, digest: str) -> CivitaiVersion:
        """The version with a file of that hash. Raises as `version`."""
        name = f"civitai:{digest}"
        return self._version(self._get(f"model-versions/by-hash/{digest}", name), name)

    def newest(self, model: int) -> CivitaiVersion:
        """The newest version of a model. Raises as `version`."""
        name = f"civitai.com/models/{model}"
        try:
            about = self._get(f"models/{model}", name)
            number = int(about["modelVersions"][0]["id"])
        except ERRORS as error:
            raise explain_civitai_error(error, name) from error
        return self._version_of(number, about)

    def _version_of(self, number: int, about: Any = None) -> CivitaiVersion:
        """A version by its ID; `about` is what was said of its model, if that was asked."""
        moment, seen = self._seen.get(number, (0.0, None))
        if seen is not None and time.monotonic() - moment < FRESH:
            return seen
        name = f"civitai:{number}"
        return self._version(self._get(f"model-versions/{number}", name), name, about)

    def header(self, version: CivitaiVersion) -> CivitaiHeader:
        """The tensors of a version's file; only its header is asked for.

        Raises:
            CorruptFile: It isn't a safetensors file.
            ModelUnavailable: It needs a login, or Civitai can't be reached.
        """
        name, wanted = f"civitai:{version.version}", FIRST_BYTES
        while True:
            data, size = self._part(version, wanted, name)
            length = int.from_bytes(data[:8], "little")
            if len(data) < 8 or not 2 <= length <= min(HEADER_LIMIT, size - 8):
                raise CorruptFile(
                    say("“{source}” isn't a .safetensors file, whatever its name.", source=name)
                )
            if len(data) >= 8 + length:
                return CivitaiHeader(parse_safetensors(data[8 : 8 + length], size, name), size)
            if wanted >= 8 + length:
                raise CorruptFile(say("“{source}” is cut off on Civitai.", source=name))
            wanted = 8 + length

    def _part(self, version: CivitaiVersion, wanted: int, name: str) -> tuple[bytes, int]:
        """The first bytes of a file up to the end of its header, and how many it has in all."""
        headers = self.headers | {"Range": f"bytes=0-{wanted - 1}", "Accept-Encoding": "identity"}
        try:
            with get_session().stream(
                "GET", version.url, headers=headers, timeout=TIMEOUT
            ) as response:
                require_file(response, name, has_token=self.has_token)
                data = bytearray()
                for chunk in response.iter_bytes():
                    data += chunk
                    if len(data) >= min(wanted, 8 + int.from_bytes(data[:8], "little")) > 8:
                        break
                _, _, total = response.headers.get("Content-Range", "").rpartition("/")
                size = int(total or response.headers.get("Content-Length") or version.size)
                return bytes(data[:wanted]), size
        except (ValueError, httpx2.HTTPError) as error:
            raise explain_civitai_error(error, name) from error

    def _get(self, path: str, name: str) -> Any:
        """The JSON object at a path of the API."""
        try:
            response = get_session().get(
                f"{self.base}/api/v1/{path}", headers=self.headers, timeout=TIMEOUT
            )
            require_status(response, name, has_token=self.has_token)
            if len(response.content) > ANSWER_LIMIT:
                raise ValueError("the answer is too long")
            return response.json()
        except (*ERRORS, RecursionError) as error:
            raise explain_civitai_error(error, name) from error

    def _version(self, answer: Any, name: str, about: Any = None) -> CivitaiVersion:
        try:
            model = answer.get("model") or {}
            title = " ".join(str(part) for part in (model.get("name"), answer.get("name")) if part)
            words = answer.get("trainedWords") or []
            if answer.get("usageControl", "Download") != "Download":
                raise ModelUnavailable(
                    say("“{source}” can't be downloaded: its author doesn't allow it.", source=name)
                )
            file = _weights(answer["files"], name)
            found = CivitaiVersion(
                version=int(answer["id"]),
                name=title[:200],
                kind=str(model.get("type", "")),
                base_model=str(answer.get("baseModel") or "")[:100],
                trained_words=tuple(str(word)[:MAX_WORD] for word in words[:MAX_WORDS]),
                file=PurePosixPath(str(file["name"]).replace("\\", "/")).name,
                size=round(float(file.get("sizeKB") or 0) * 1024),
                digest=_digest(file, name),
                url=self._url(file, int(answer["id"])),
                licence=self._licence(answer.get("modelId"), about),
            )
            self._seen[found.version] = time.monotonic(), found
            return found
        except ERRORS as error:
            raise explain_civitai_error(error, name) from error

    def _url(self, file: Mapping[str, Any], version: int) -> str:
        """The address that Civitai gives, if it is its own: the token goes there."""
        given = str(file.get("downloadUrl") or "")
        if same_origin(given, self.base):
            return given
        return f"{self.base}/api/download/models/{version}?type=Model&format=SafeTensor"

    def _licence(self, model: Any, about: Any) -> str | None:
        """What the author allows, which only the model's own answer tells; `None` if unknown."""
        try:
            about = about or self._get(f"models/{int(model)}", f"civitai.com/models/{model}")
            allowed = about["allowCommercialUse"]
        except (ModelUnavailable, *ERRORS):
            return None
        uses = [allowed] if isinstance(allowed, str) else list(allowed or [])
        sellable = any(str(use).strip("{}") in ("Image", "Sell") for use in uses)
        return f"Civitai, selling pictures {'' if sellable else 'not '}allowed"


def same_origin(one: str, other: str) -> bool:
    """Whether two addresses are of the same server."""
    first, second = urlsplit(one), urlsplit(other)
    return (first.scheme, first.netloc) == (second.scheme, second.netloc)


def _weights(files: list[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """The file of weights among those of a version: in safetensors, the primary one first."""
    models = [file for file in files if file.get("type") in ("Model", "Pruned Model")]
    usable = [file for file in models if _is_safetensors(file)]
    if usable:
        return max(usable, key=lambda file: bool(file.get("primary")))
    if models:
        pickle = str(models[0].get("name", ""))
        raise ModelUnavailable(
            say(
                "“{source}” is a pickle ({file}), which can run any code when loaded. Choose a "
                "version with a .safetensors file.",
                source=name,
                file=pickle,
            )
        )
    raise ModelUnavailable(say("“{source}” has no file of weights on Civitai.", source=name))


def _is_safetensors(file: Mapping[str, Any]) -> bool:
    written = (file.get("metadata") or {}).get("format", "SafeTensor")
    return written == "SafeTensor" and str(file["name"]).lower().endswith(".safetensors")


def _digest(file: Mapping[str, Any], name: str) -> str:
    digest = str((file.get("hashes") or {}).get("SHA256") or "").lower()
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise ModelUnavailable(
            say(
                "Civitai gives no checksum for “{source}”, so the download couldn't be checked. "
                "Download the file in a browser, and use its path on this machine as the source.",
                source=name,
            )
        )
    return digest
