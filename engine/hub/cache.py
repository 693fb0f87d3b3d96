"""Downloads files into the Hugging Face cache: several at a time, each by one process only."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import repeat
from pathlib import Path

import httpx2
from filelock import FileLock, Timeout
from huggingface_hub import constants, get_async_session, hf_hub_download

from engine.hub.client import ERRORS, TIMEOUT, HubClient, RemoteFile
from engine.hub.errors import explain_hub_error
from engine.hub.http_download import FileDownload, download_file
from engine.hub.local_files import repo_cache
from engine.hub.manifest import Manifest

CONNECTIONS = 4
"""How many files are downloaded at the same time."""

LINKS = 8
"""How many files are linked in the cache at the same time; each asks the Hub once."""

POLL = 0.1
"""Seconds between two checks whether another process has released a file."""

OnBytes = Callable[[str, int], None]
"""Called with a file's path and the number of new bytes; negative if some were discarded."""


async def download_files(
    manifests: tuple[Manifest, ...], hub: HubClient, on_bytes: OnBytes
) -> None:
    """Download all files that are missing.

    Raises:
        ModelUnavailable: One of them can't be downloaded; the others stop, and can be resumed.
    """
    connections = asyncio.Semaphore(CONNECTIONS)
    async with get_async_session() as client:
        downloads = [
            asyncio.ensure_future(_download_one(client, connections, manifest, file, hub, on_bytes))
            for manifest in manifests
            for file in manifest.missing
        ]
        try:
            await asyncio.gather(*downloads)
        finally:
            for each in downloads:
                each.cancel()
            await asyncio.gather(*downloads, return_exceptions=True)


async def _download_one(
    client: httpx2.AsyncClient,
    connections: asyncio.Semaphore,
    manifest: Manifest,
    file: RemoteFile,
    hub: HubClient,
    on_bytes: OnBytes,
) -> None:
    blob, partial = manifest.blob(file), manifest.partial(file)
    download = FileDownload(
        hub.url(manifest.listing.repo, file.path, manifest.listing.commit),
        hub.headers,
        file,
        partial,
        lambda size: on_bytes(file.path, size),
    )
    try:
        async with connections:
            blob.parent.mkdir(parents=True, exist_ok=True)
            with await _lock(manifest, file):
                if not blob.exists():
                    await download_file(client, download)
                    partial.replace(blob)
    except ERRORS as error:
        raise explain_hub_error(error, manifest.listing.repo) from error


async def _lock(manifest: Manifest, file: RemoteFile) -> AbstractContextManager[object]:
    """The lock under which the Hub's client also writes that file; held when this returns."""
    folder = Path(constants.HF_HUB_CACHE) / ".locks" / repo_cache(manifest.listing.repo).name
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{file.digest}.lock")
    while True:
        try:
            return lock.acquire(blocking=False)
        except Timeout:
            await asyncio.sleep(POLL)


def link(manifest: Manifest, hub: HubClient) -> None:
    """Have the Hub's client link the files in the cache, and store the commit of the revision.

    Raises:
        ModelUnavailable: The Hub doesn't answer.
    """

    def link_file(file: RemoteFile, revision: str) -> None:
        hf_hub_download(
            manifest.listing.repo,
            file.path,
            revision=revision,
            endpoint=hub.endpoint,
            token=hub.token,
            etag_timeout=TIMEOUT,
        )

    try:
        with ThreadPoolExecutor(LINKS) as threads:
            list(threads.map(link_file, manifest.files, repeat(manifest.listing.commit)))
        link_file(manifest.files[0], manifest.source.revision or constants.DEFAULT_REVISION)
    except ERRORS as error:
        raise explain_hub_error(error, manifest.listing.repo) from error
