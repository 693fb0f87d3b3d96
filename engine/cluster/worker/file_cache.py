"""A worker's files from the bot: start pictures, masks, maps and LoRAs, by their hashes."""

import asyncio
import contextlib
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cluster.errors import ClusterError
from engine.cluster.protocol.parts import FileRef
from engine.cluster.protocol.subjects import about, chunks_of, stream_of
from engine.errors import StorageError
from engine.private_files import private_folder
from speech import say

if TYPE_CHECKING:
    from nats.js import JetStreamContext

PARTIAL = ".partial"


class FileCache:
    """The folder of files from the bot, with a bound on its size."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    def path(self, ref: FileRef) -> Path:
        """Where a file is or will be."""
        ending = ".safetensors" if ref.role == "lora" else ".png"
        return self._folder / ref.hash[:2] / f"{ref.hash}{ending}"

    def has(self, ref: FileRef) -> bool:
        """Whether it is there; it stays a while longer then. Blocks."""
        file = self.path(ref)
        try:
            if file.stat().st_size != ref.size:
                return False
            file.touch()
        except OSError:
            return False
        return True

    async def fetch(self, ref: FileRef, worker: str, js: "JetStreamContext") -> None:
        """Fetch a file from the worker's bucket, where it is ready.

        Raises:
            ClusterError: When it isn't there, or isn't the file with that hash.
            StorageError: When the disk is full or refuses.
            Error: Of NATS.
        """
        file = self.path(ref)
        partial = file.with_suffix(f".{secrets.token_hex(4)}{PARTIAL}")
        digest, size = hashlib.sha256(), 0
        try:
            await asyncio.to_thread(private_folder, file.parent)
            with await asyncio.to_thread(partial.open, "wb") as stream:
                async for part in _parts(ref.hash, worker, js):
                    size += len(part)
                    if size > ref.size:
                        break
                    digest.update(part)
                    await asyncio.to_thread(stream.write, part)
            if size != ref.size or digest.hexdigest() != ref.hash:
                raise ClusterError(say("A file from the bot isn't the one that was announced."))
            await asyncio.to_thread(partial.replace, file)
        except OSError as error:
            raise StorageError(
                say("A file from the bot couldn't be saved: {reason}.", reason=error.strerror)
            ) from error
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)

    def make_room(self, needed: Collection[Path]) -> None:
        """Remove the files that were used longest ago, but not those needed. Blocks."""
        with contextlib.suppress(OSError):
            files = [file for file in self._folder.rglob("*") if file.is_file()]
            states = sorted(((file, file.stat()) for file in files), key=lambda x: x[1].st_mtime)
            total = sum(state.st_size for _, state in states)
            for file, state in states:
                if total <= self._most_bytes:
                    return
                if file not in needed:
                    file.unlink(missing_ok=True)
                    total -= state.st_size


async def _parts(digest: str, worker: str, js: "JetStreamContext") -> AsyncIterator[bytes]:
    """The parts of an object, in order, as the object store of NATS keeps it.

    Each is asked for, so a worker needs no right to have the server send it anything.
    """
    from nats.js.errors import NotFoundError

    stream = stream_of(worker)
    try:
        told = await js.get_msg(stream, 1, about(worker, digest), direct=True, next=True)
        info = json.loads(told.data or b"{}")
        sequence, left = 1, 0 if info.get("deleted") else info["size"]
        while left > 0:
            found = await js.get_msg(
                stream, sequence, chunks_of(worker, info["nuid"]), direct=True, next=True
            )
            part = found.data or b""
            if not part or found.seq is None:
                return
            sequence, left = found.seq + 1, left - len(part)
            yield part
    except (NotFoundError, ValueError, KeyError):
        return
