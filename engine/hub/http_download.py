"""One file from the Hub: gone on with where it stopped, its bytes checked against their hash.

`huggingface_hub` throws away what has come of a file when a download is interrupted, and looks
for nothing but the next ten megabytes while it downloads. Models are large and homes' lines slow,
so the bytes are fetched here, with its client, into its cache; linking them there stays its work.
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
from engine.hub.errors import CorruptFile
from speech import say

SILENCE = 10.0
"""Seconds without a byte after which the connection is taken to be dead."""

ATTEMPTS = 5
"""Connections in a row that may bring nothing before the download fails."""

PAUSE = 0.25
"""Seconds before the second attempt; each pause is twice the one before."""

PIECE = 1 << 20
"""Bytes written, or hashed, at once."""

PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""Answers that may be better the next time."""


@dataclass(frozen=True, slots=True)
class FileDownload:
    """A file to fetch.

    Attributes:
        url: Its address.
        headers: Headers of the request, with the token.
        file: Its size and hash.
        partial: Where its bytes are gathered.
        told: Called with the number of new bytes; negative when some have to come again.
    """

    url: str
    headers: Mapping[str, str]
    file: RemoteFile
    partial: Path
    told: Callable[[int], None]


async def download_file(client: httpx2.AsyncClient, transfer: FileDownload) -> None:
    """Bring all bytes into `transfer.partial`, going on after those that are there.

    Raises:
        CorruptFile: They are not those that the Hub has promised; they are deleted.
        httpx2.HTTPError: The Hub refuses, or cannot be reached again and again.
        OSError: They cannot be written, for want of room among others.
    """
    with transfer.partial.open("ab+", buffering=0) as output:
        gathered = _PartialFile(transfer, output)
        await gathered.recall()
        attempts = 0
        while gathered.done < transfer.file.size:
            before = gathered.done
            problem = await _connection(client, transfer, gathered)
            if gathered.done >= transfer.file.size:
                break
            attempts = 0 if gathered.done > before else attempts + 1
            if attempts >= ATTEMPTS:
                raise problem
            await asyncio.sleep(PAUSE * 2**attempts)
    gathered.check()


async def _connection(
    client: httpx2.AsyncClient, transfer: FileDownload, gathered: "_PartialFile"
) -> httpx2.HTTPError:
    """Take what one connection brings; returns why it brought no more."""
    headers = {**transfer.headers, "Accept-Encoding": "identity"}
    if gathered.done:
        headers["Range"] = f"bytes={gathered.done}-"
    try:
        async with client.stream("GET", transfer.url, headers=headers, timeout=SILENCE) as response:
            if response.is_error:
                await response.aread()
            hf_raise_for_status(response)
            if gathered.done and response.status_code == HTTPStatus.OK:
                gathered.forget()
            async for piece in response.aiter_bytes():
                gathered.add(piece)
    except httpx2.TransportError as error:
        return error
    except HfHubHTTPError as error:
        if error.response.status_code not in PASSING:
            raise
        return error
    return httpx2.ReadError(f"{transfer.file.path} ends early")


class _PartialFile:
    """What has come of a file: on disk, counted, and hashed."""

    def __init__(self, transfer: FileDownload, output: FileIO) -> None:
        self.done = 0
        self._transfer = transfer
        self._output = output
        self._digest = _digest(transfer.file)

    async def recall(self) -> None:
        """Take in what an earlier download has left; lets others run between two pieces."""
        left = os.fstat(self._output.fileno()).st_size
        if left > self._transfer.file.size:
            self._output.truncate(0)
            return
        self._output.seek(0)
        while self.done < left and (piece := self._output.read(PIECE)):
            self._digest.update(piece)
            self.done += len(piece)
            await asyncio.sleep(0)
        self._transfer.told(self.done)

    def add(self, piece: bytes) -> None:
        """Write and count more bytes."""
        rest = memoryview(piece)
        while rest:
            rest = rest[self._output.write(rest) :]
        self._digest.update(piece)
        self.done += len(piece)
        self._transfer.told(len(piece))

    def forget(self) -> None:
        """Begin again: the server sends the file from its start."""
        self._output.truncate(0)
        self._transfer.told(-self.done)
        self._digest, self.done = _digest(self._transfer.file), 0

    def check(self) -> None:
        """Raise `CorruptFile`, and delete them, unless the bytes are those that were promised."""
        file = self._transfer.file
        if self.done == file.size and self._digest.hexdigest() == file.digest:
            return
        self._transfer.partial.unlink()
        self._transfer.told(-self.done)
        raise CorruptFile(
            say(
                "{file} doesn't match what the Hub promised and was deleted. Try again. If "
                "that doesn't help, the network or the disk is at fault.",
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
