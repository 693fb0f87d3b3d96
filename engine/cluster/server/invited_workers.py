"""The workers that were invited: their names and public keys, in a file that the bot watches."""

import json
from collections.abc import Mapping
from pathlib import Path

from engine.atomic_write import write_or_say
from engine.cluster.errors import ClusterError
from engine.cluster.protocol.subjects import NAME
from engine.device_names import NAME as DEVICE
from engine.errors import StorageError
from speech import say


class InvitedWorkers:
    """The file of invited workers. Its methods block for a moment."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "workers.json"

    def all(self) -> Mapping[str, str]:
        """The public key of each worker, by name. Raises `StorageError`."""
        try:
            found = json.loads(self._file.read_text("utf-8")) if self._file.exists() else {}
            if not isinstance(found, dict) or not all(map(_is_entry, found.items())):
                raise ValueError("it isn't a list of workers")
        except (OSError, ValueError) as error:
            raise StorageError(
                say("{file} can't be read: {reason}.", file=self._file, reason=str(error))
            ) from error
        return found

    def changed(self) -> int:
        """A number that is another one after a change."""
        try:
            return self._file.stat().st_mtime_ns
        except OSError:
            return 0

    def add(self, name: str, public_key: str) -> None:
        """Invite a worker.

        Raises:
            ClusterError: When the name isn't one, or is taken.
            StorageError: When the file can't be used.
        """
        if NAME.fullmatch(name) is None or DEVICE.fullmatch(name) is not None:
            raise ClusterError(
                say(
                    "“{name}” can't be a worker's name. Names have up to 32 small letters, digits "
                    "and hyphens, and aren't those of devices.",
                    name=name,
                )
            )
        known = self.all()
        if name in known:
            raise ClusterError(
                say(
                    "There's already a worker named “{name}”. Choose another name, or revoke it "
                    "first.",
                    name=name,
                )
            )
        self._write({**known, name: public_key})

    def remove(self, name: str) -> None:
        """Revoke an invitation. Raises `ClusterError` when there is none of that name."""
        known = self.all()
        if name not in known:
            raise ClusterError(say("There's no worker named “{name}”.", name=name))
        self._write({key: value for key, value in known.items() if key != name})

    def _write(self, workers: Mapping[str, str]) -> None:
        write_or_say(self._file, json.dumps(workers, indent=2).encode())


def _is_entry(entry: tuple[object, object]) -> bool:
    name, key = entry
    return isinstance(name, str) and bool(NAME.fullmatch(name)) and isinstance(key, str)
