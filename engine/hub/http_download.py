"""Downloads one file: resumed where it stopped, and checked against its hash.

`huggingface_hub` discards a partial file when a download is interrupted, and can't be stopped for
the next ten megabytes while it downloads. Models are large and home connections slow, so the bytes
are downloaded here, with its client, into its cache; linking them there is left to it.
"""

import asyncio
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from io import FileIO
from pathlib import Path

import httpx2
from huggingface_hub import hf_raise_for_status
from huggingface_hub.errors import HfHubHTTPError

from engine.hub.client import RemoteFile
from engine.hub.errors import CorruptFile, HubUnreachable
from speech import say

READ_TIMEOUT = 10.0
"""Seconds without a byte after which the connection counts as dead."""

ATTEMPTS = 5
"""Connections in a row without any bytes before the download fails."""

PAUSE = 0.25
"""Seconds before the second attempt; each pause is twice the one before."""

PARTIAL_SUFFIX = ".incomplete"
"""Suffix of a file in the cache that is still being downloaded."""

CHUNK = 1 << 20
"""Bytes that are hashed at once."""

TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
"""Status codes that are worth another attempt."""


@dataclass(frozen=True, slots=True)
class FileDownload:
    """A file to download.

    Attributes:
        url: Its address.
        headers: Headers of the request, with the token.
        file: Its size and hash.
        partial: Where its bytes are written until all are there.
        on_bytes: Called with the number of new bytes; negative if some were discarded.
        check: Raises an error unless an answer is the file.
    """

    url: str
    headers: Mapping[str, str]
    file: RemoteFile
    partial: Path
    on_bytes: Callable[[int], None]
    check: Callable[[httpx2.Response], object] = hf_raise_for_status


async def download_file(client: httpx2.AsyncClient, download: FileDownload) -> None:
    """Download into `download.partial`, after the bytes that are already there.

    Raises:
        CorruptFile: The bytes don't match the hash; they are deleted.
        httpx2.HTTPError: The Hub refuses, or can't be reached several times in a row.
        ModelUnavailable: What comes isn't the file.
        OSError: They can't be written, for example because the disk is full.
    """
    with download.partial.open("ab+", buffering=0) as output:
        partial = _PartialFile(download, output)
        await partial.resume()
        attempts = 0
        while partial.done < download.file.size:
            before = partial.done
            problem = await _connection(client, download, partial)
            if partial.done >= download.file.size:
                break
            attempts = 0 if partial.done > before else attempts + 1
            if attempts >= ATTEMPTS:
                raise problem
            await asyncio.sleep(PAUSE * 2**attempts)
    partial.check()


async def _connection(
    client: httpx2.AsyncClient, download: FileDownload, partial: "_PartialFile"
) -> httpx2.HTTPError | HubUnreachable:
    """Download as much as one connection gives; returns why it ended."""
    headers = {**download.headers, "Accept-Encoding": "identity"}
    if partial.done:
        headers["Range"] = f"bytes={partial.done}-"
    try:
        async with client.stream(
            "GET", download.url, headers=headers, timeout=READ_TIMEOUT
        ) as response:
            if response.is_error:
                await response.aread()
            download.check(response)
            if partial.done and response.status_code == HTTPStatus.OK:
                partial.restart()
            async for chunk in response.aiter_bytes():
                partial.add(chunk)
    except (httpx2.TransportError, HubUnreachable) as error:
        return error
    except HfHubHTTPError as error:
        if error.response.status_code not in TRANSIENT:
            raise
        return error
    return httpx2.ReadError(f"{download.file.path} ends early")


class _PartialFile:
    """The bytes of a file so far: on disk, counted, and hashed."""

    def __init__(self, download: FileDownload, output: FileIO) -> None:
        self.done = 0
        self._download = download
        self._output = output
        self._digest = _digest(download.file)

    async def resume(self) -> None:
        """Take in what an earlier download left; yields to other tasks between two chunks."""
        size = os.fstat(self._output.fileno()).st_size
        if size > self._download.file.size:
            self._output.truncate(0)
            return
        self._output.seek(0)
        while self.done < size and (chunk := self._output.read(CHUNK)):
            self._digest.update(chunk)
            self.done += len(chunk)
            await asyncio.sleep(0)
        self._download.on_bytes(self.done)

    def add(self, chunk: bytes) -> None:
        """Write and count more bytes."""
        rest = memoryview(chunk)
        while rest:
            rest = rest[self._output.write(rest) :]
        self._digest.update(chunk)
        self.done += len(chunk)
        self._download.on_bytes(len(chunk))

    def restart(self) -> None:
        """Discard what there is: the server sends the file from its start."""
        self._output.truncate(0)
        self._download.on_bytes(-self.done)
        self._digest, self.done = _digest(self._download.file), 0

    def check(self) -> None:
        """Raise `CorruptFile`, and delete the file, unless it matches its hash."""
        file = self._download.file
        if self.done == file.size and self._digest.hexdigest() == file.digest:
            return
        self._download.partial.unlink()
        self._download.on_bytes(-self.done)
        raise CorruptFile(
            say(
                "{file} doesn't match its checksum and was deleted. Try again. If that doesn't "
                "help, the network or the disk is at fault.",
                file=file.path,
            )
        )


def _digest(file: RemoteFile) -> "hashlib._Hash":
    return digest_for(file.digest, file.size)


def digest_for(expected: str, size: int) -> "hashlib._Hash":
    """The hash to compare with `expected`: SHA-256, or that of Git for a blob of `size` bytes."""
    if len(expected) == hashlib.sha256().digest_size * 2:
        return hashlib.sha256()
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
