"""Filling the Hugging Face cache: several files at a time, each by one process only."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import repeat
from pathlib import Path

import httpx2
from filelock import FileLock, Timeout
from huggingface_hub import constants, get_async_session, hf_hub_download

from engine.hub.client import ERRORS, PATIENCE, HubClient, RemoteFile
from engine.hub.errors import explain_hub_error
from engine.hub.http_download import FileDownload, download_file
from engine.hub.local_files import repo_cache
from engine.hub.manifest import Manifest

CONNECTIONS = 4
"""How many files come at the same time."""

LINKS = 8
"""How many files are entered in the cache at the same time; each takes a question to the Hub."""

GLANCE = 0.1
"""Seconds between two looks at whether another process has let go of a file."""

OnBytes = Callable[[str, int], None]
"""Called with a file's path and how many new bytes of it there are; fewer than none if lost."""


async def download_files(manifests: tuple[Manifest, ...], hub: HubClient, told: OnBytes) -> None:
    """Bring the bytes of all files that are missing.

    Raises:
        ModelUnavailable: One of them cannot be had; the others go no further, and keep what came.
    """
    channel_locks = asyncio.Semaphore(CONNECTIONS)
    async with get_async_session() as client:
        jobs = [
            asyncio.ensure_future(_fetch_one(client, channel_locks, manifest, file, hub, told))
            for manifest in manifests
            for file in manifest.missing
        ]
        try:
            await asyncio.gather(*jobs)
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)


async def _fetch_one(
    client: httpx2.AsyncClient,
    channel_locks: asyncio.Semaphore,
    manifest: Manifest,
    file: RemoteFile,
    hub: HubClient,
    told: OnBytes,
) -> None:
    blob, partial = manifest.blob(file), manifest.partial(file)
    transfer = FileDownload(
        hub.url(manifest.listing.repo, file.path, manifest.listing.commit),
        hub.headers,
        file,
        partial,
        lambda size: told(file.path, size),
    )
    try:
        async with channel_locks:
            blob.parent.mkdir(parents=True, exist_ok=True)
            with await _alone(manifest, file):
                if not blob.exists():
                    await download_file(client, transfer)
                    partial.replace(blob)
    except ERRORS as error:
        raise explain_hub_error(error, manifest.listing.repo) from error


async def _alone(manifest: Manifest, file: RemoteFile) -> AbstractContextManager[object]:
    """The lock under which the Hub's client, too, writes that file; held when this returns."""
    folder = Path(constants.HF_HUB_CACHE) / ".locks" / repo_cache(manifest.listing.repo).name
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{file.digest}.lock")
    while True:
        try:
            return lock.acquire(blocking=False)
        except Timeout:
            await asyncio.sleep(GLANCE)


def link(manifest: Manifest, hub: HubClient) -> None:
    """Let the Hub's client enter the files in the cache, and the commit as that of the revision.

    Raises:
        ModelUnavailable: The Hub does not answer.
    """

    def enter(file: RemoteFile, revision: str) -> None:
        hf_hub_download(
            manifest.listing.repo,
            file.path,
            revision=revision,
            endpoint=hub.endpoint,
            token=hub.token,
            etag_timeout=PATIENCE,
        )

    try:
        with ThreadPoolExecutor(LINKS) as threads:
            list(threads.map(enter, manifest.files, repeat(manifest.listing.commit)))
        enter(manifest.files[0], manifest.source.revision or constants.DEFAULT_REVISION)
    except ERRORS as error:
        raise explain_hub_error(error, manifest.listing.repo) from error
