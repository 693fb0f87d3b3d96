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

from engine.hub.local_files import repo_cache
from engine.hub.http_download import Transfer, fetch
from engine.hub.client import ERRORS, PATIENCE, Hub, RemoteFile
from engine.hub.manifest import Need
from engine.hub.errors import explained

CONNECTIONS = 4
"""How many files come at the same time."""

LINKS = 8
"""How many files are entered in the cache at the same time; each takes a question to the Hub."""

GLANCE = 0.1
"""Seconds between two looks at whether another process has let go of a file."""

Told = Callable[[str, int], None]
"""Called with a file's path and how many new bytes of it there are; fewer than none if lost."""


async def fill(needs: tuple[Need, ...], hub: Hub, told: Told) -> None:
    """Bring the bytes of all files that are missing.

    Raises:
        ModelUnavailable: One of them cannot be had; the others go no further, and keep what came.
    """
    turns = asyncio.Semaphore(CONNECTIONS)
    async with get_async_session() as client:
        jobs = [
            asyncio.ensure_future(_fetch_one(client, turns, need, file, hub, told))
            for need in needs
            for file in need.missing
        ]
        try:
            await asyncio.gather(*jobs)
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)


async def _fetch_one(
    client: httpx2.AsyncClient,
    turns: asyncio.Semaphore,
    need: Need,
    file: RemoteFile,
    hub: Hub,
    told: Told,
) -> None:
    blob, partial = need.blob(file), need.partial(file)
    transfer = Transfer(
        hub.url(need.listing.repo, file.path, need.listing.commit),
        hub.headers,
        file,
        partial,
        lambda size: told(file.path, size),
    )
    try:
        async with turns:
            blob.parent.mkdir(parents=True, exist_ok=True)
            with await _alone(need, file):
                if not blob.exists():
                    await fetch(client, transfer)
                    partial.replace(blob)
    except ERRORS as error:
        raise explained(error, need.listing.repo) from error


async def _alone(need: Need, file: RemoteFile) -> AbstractContextManager[object]:
    """The lock under which the Hub's client, too, writes that file; held when this returns."""
    folder = Path(constants.HF_HUB_CACHE) / ".locks" / repo_cache(need.listing.repo).name
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{file.digest}.lock")
    while True:
        try:
            return lock.acquire(blocking=False)
        except Timeout:
            await asyncio.sleep(GLANCE)


def link(need: Need, hub: Hub) -> None:
    """Let the Hub's client enter the files in the cache, and the commit as that of the revision.

    Raises:
        ModelUnavailable: The Hub does not answer.
    """

    def enter(file: RemoteFile, revision: str) -> None:
        hf_hub_download(
            need.listing.repo,
            file.path,
            revision=revision,
            endpoint=hub.endpoint,
            token=hub.token,
            etag_timeout=PATIENCE,
        )

    try:
        with ThreadPoolExecutor(LINKS) as threads:
            list(threads.map(enter, need.files, repeat(need.listing.commit)))
        enter(need.files[0], need.source.revision or constants.DEFAULT_REVISION)
    except ERRORS as error:
        raise explained(error, need.listing.repo) from error
