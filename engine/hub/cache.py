"""Downloads files into the Hugging Face cache: several at a time, each by one process only."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx2
from filelock import FileLock, Timeout
from huggingface_hub import get_async_session

from engine.hub.client import ERRORS, HubClient, RemoteFile
from engine.hub.http_download import FileDownload, download_file
from engine.hub.manifest import AnyManifest

CONNECTIONS = 4
"""How many files are downloaded at the same time."""

POLL = 0.1
"""Seconds between two checks whether another process has released a file."""

OnBytes = Callable[[str, int], None]
"""Called with a file's path and the number of new bytes; negative if some were discarded."""


async def download_files(
    manifests: tuple[AnyManifest, ...], hub: HubClient, on_bytes: OnBytes
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
    manifest: AnyManifest,
    file: RemoteFile,
    hub: HubClient,
    on_bytes: OnBytes,
) -> None:
    blob, partial = manifest.blob(file), manifest.partial(file)
    url, headers = manifest.request(file, hub)
    download = FileDownload(
        url,
        headers,
        file,
        partial,
        lambda size: on_bytes(file.path, size),
        lambda response: manifest.check(response, hub),
    )
    try:
        async with connections:
            blob.parent.mkdir(parents=True, exist_ok=True)
            with await _lock(manifest, file):
                if not blob.exists():
                    await download_file(client, download)
                    partial.replace(blob)
    except ERRORS as error:
        raise manifest.explain(error) from error


async def _lock(manifest: AnyManifest, file: RemoteFile) -> AbstractContextManager[object]:
    """The lock under which other processes also write that file; held when this returns."""
    place = manifest.lock(file)
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(place)
    while True:
        try:
            return lock.acquire(blocking=False)
        except Timeout:
            await asyncio.sleep(POLL)
