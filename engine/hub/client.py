"""Asks the Hub about models. Every call blocks: keep it off the event loop."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from huggingface_hub import HfApi, ModelCardData, get_session, hf_hub_url, hf_raise_for_status
from huggingface_hub.utils._headers import build_hf_headers

from engine.hub.civitai import CivitaiClient
from engine.hub.errors import CorruptFile, explain_hub_error
from engine.hub.gguf_header import HeaderIncomplete, NotGGUF, read_header
from engine.hub.tensor_headers import Tensor, from_hub
from speech import say

TIMEOUT = 15.0
"""Seconds that the Hub gets to answer."""

GGUF_CHUNK = 1 << 20
"""Bytes of a GGUF file that are requested first for its header, then twice as many each time."""

GGUF_LIMIT = 1 << 26
"""Bytes beyond which a GGUF header counts as invalid."""

ERRORS = (OSError, ValueError, httpx2.HTTPError)
"""What the Hub's client raises; `explain_hub_error` tells them apart."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on the Hub.

    Attributes:
        path: Within its repository.
        size: Bytes.
        digest: SHA-256 of its bytes (64 digits), or for a small file Git's SHA-1 (40 digits); the
            name of its copy in the cache.
    """

    path: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoListing:
    """A repository on the Hub at one commit.

    Attributes:
        repo: Its ID.
        commit: The commit.
        files: By their path.
        licence: The name of its licence in its model card.
        licence_link: Where that can be read.
        gated: Whether its terms must have been accepted.
        trigger: `instance_prompt` of its model card: words that a LoRA answers to.
    """

    repo: str
    commit: str
    files: Mapping[str, RemoteFile]
    licence: str | None
    licence_link: str | None
    gated: bool
    trigger: str = ""


@dataclass(frozen=True, slots=True)
class HubClient:
    """The Hub's address, and the account to use.

    Attributes:
        endpoint: The address; `None` for the public Hub, or `HF_ENDPOINT`.
        token: `None` for that of the environment or of `hf auth login`, if any.
        civitai: The same of Civitai, where some models and LoRAs are.
    """

    endpoint: str | None = None
    token: str | None = None
    civitai: CivitaiClient = field(default_factory=CivitaiClient)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a request, with the token."""
        return dict(build_hf_headers(token=self.token))

    def url(self, repo: str, path: str, commit: str) -> str:
        """The address of a file."""
        return hf_hub_url(repo, path, revision=commit, endpoint=self.endpoint)

    def listing(self, repo: str, revision: str | None = None) -> RepoListing:
        """The files of `repo`.

        Raises:
            ModelUnavailable: It doesn't exist, or the Hub can't be reached.
        """
        try:
            info = self._api.model_info(
                repo, revision=revision, files_metadata=True, timeout=TIMEOUT
            )
        except ERRORS as error:
            raise explain_hub_error(error, repo) from error
        files = {
            item.rfilename: RemoteFile(
                item.rfilename, item.size or 0, item.lfs.sha256 if item.lfs else item.blob_id or ""
            )
            for item in info.siblings or ()
        }
        licence, link = licence_of(info.card_data)
        return RepoListing(
            repo=repo,
            commit=info.sha or "",
            files=files,
            licence=licence,
            licence_link=link,
            gated=bool(info.gated),
            trigger=_trigger_of(info.card_data),
        )

    def read_json(self, listing: RepoListing, path: str) -> dict[str, Any]:
        """The content of a small file.

        Raises:
            ModelUnavailable: It can't be downloaded, or isn't a JSON object.
        """
        try:
            content = self._get(listing, path).json()
        except (ValueError, RecursionError) as error:
            raise CorruptFile(
                say("{path} in “{repo}” can't be read.", path=path, repo=listing.repo)
            ) from error
        if not isinstance(content, dict):
            raise CorruptFile(
                say("{path} of “{repo}” isn't a JSON object.", path=path, repo=listing.repo)
            )
        return content

    def tensors(self, listing: RepoListing, path: str) -> tuple[Tensor, ...]:
        """The tensors of a `.safetensors` or `.gguf` file; only its header is asked for.

        Raises:
            ModelUnavailable: The header cannot be had or read.
        """
        if path.endswith(".gguf"):
            return self._gguf(listing, path)
        try:
            return from_hub(
                self._api.parse_safetensors_file_metadata(
                    listing.repo, path, revision=listing.commit, timeout=TIMEOUT
                )
            )
        except Exception as error:
            raise explain_hub_error(error, listing.repo) from error

    def _gguf(self, listing: RepoListing, path: str) -> tuple[Tensor, ...]:
        size = GGUF_CHUNK
        while size <= GGUF_LIMIT:
            data = self._get(listing, path, f"bytes=0-{size - 1}").content
            try:
                return read_header(data)[0]
            except HeaderIncomplete:
                if len(data) < size:
                    break
                size *= 2
            except NotGGUF as error:
                said = say(
                    "{path} in “{repo}” isn't GGUF: {reason}.",
                    path=path,
                    repo=listing.repo,
                    reason=error.reason,
                )
                raise CorruptFile(said) from error
        raise CorruptFile(say("{path} in “{repo}” is cut off.", path=path, repo=listing.repo))

    def _get(self, listing: RepoListing, path: str, wanted: str | None = None) -> httpx2.Response:
        headers = self.headers | ({"Range": wanted} if wanted else {})
        try:
            response = get_session().get(
                self.url(listing.repo, path, listing.commit), headers=headers, timeout=TIMEOUT
            )
            hf_raise_for_status(response)
        except ERRORS as error:
            raise explain_hub_error(error, listing.repo) from error
        return response

    @property
    def _api(self) -> HfApi:
        return HfApi(endpoint=self.endpoint, token=self.token)


def licence_of(card: ModelCardData | None) -> tuple[str | None, str | None]:
    """The name of the licence in a model card, and a link to its text."""
    if card is None:
        return None, None
    name = card.license_name if card.license in (None, "other") else card.license
    return name or card.license, card.license_link


def _trigger_of(card: ModelCardData | None) -> str:
    """The trigger words in a model card, as Diffusers' training scripts write them."""
    words = card.get("instance_prompt") if card is not None else None
    return words if isinstance(words, str) and words.isprintable() else ""
