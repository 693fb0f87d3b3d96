"""Nkeys: the server knows the public one, the worker signs with the seed, which never travels."""

import os
from dataclasses import dataclass
from pathlib import Path

from engine.atomic_write import write_whole
from engine.errors import StorageError
from speech import say


@dataclass(frozen=True, slots=True)
class Key:
    """An nkey of a user.

    Attributes:
        seed: Secret; begins with SU.
        public: Begins with U.
    """

    seed: str
    public: str

    def __repr__(self) -> str:
        return f"Key({self.public})"


def new_key() -> Key:
    """A key that nobody has yet."""
    import nkeys

    return key_of(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER).decode())


def key_of(seed: str) -> Key:
    """The key of a seed. Raises `ValueError` when it isn't the seed of a user."""
    import nkeys

    try:
        if not seed.startswith("SU"):
            raise ValueError("not the seed of a user")
        return Key(seed, nkeys.from_seed(bytearray(seed.encode())).public_key.decode())
    except (nkeys.NkeysError, ValueError, TypeError) as error:
        raise ValueError("not the seed of a user") from error


def kept_key(file: Path) -> Key:
    """The key whose seed is in `file`; a new one is made if there is no file.

    Raises:
        StorageError: When it can't be read or written.
    """
    try:
        if file.exists():
            return key_of(file.read_text("utf-8").strip())
        key = new_key()
        write_whole(file, key.seed.encode())
        return key
    except (OSError, ValueError) as error:
        raise StorageError(
            say("The key in {file} can't be used: {reason}.", file=file, reason=str(error))
        ) from error
