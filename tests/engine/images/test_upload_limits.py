"""Uploads: each person's share of an hour, one after the other, and the disk for all."""

import asyncio
import os
from pathlib import Path

import pytest

from engine.errors import LimitReached, StorageError
from engine.images.upload_limits import FRESH, MAX_BYTES, MAX_UPLOADS, UploadLimits
from engine.images.uploads import UploadFolder
from engine.jobs.rate_limits import WINDOW

NOW = 1_000_000.0


class Disk:
    """Uploads of 100 bytes each in a folder that may hold 300."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.needed: set[str] = set()
        self.limits = UploadLimits(UploadFolder(folder), self._needed, 300, lambda: self.now)

    async def _needed(self) -> set[str]:
        return self.needed

    def add(self, name: str, age: float) -> None:
        (self.folder / name).write_bytes(bytes(100))
        os.utime(self.folder / name, (self.now - age,) * 2)

    async def upload(self, owner: str = "ada", size: int = 100) -> None:
        async with self.limits.turn(owner, size):
            pass

    def names(self) -> list[str]:
        return sorted(os.listdir(self.folder))


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


async def test_an_hour_has_room_for_so_many(disk: Disk) -> None:
    for _ in range(MAX_UPLOADS):
        await disk.upload()
    with pytest.raises(LimitReached, match="too much in the last hour") as refused:
        await disk.upload()
    assert refused.value.retry_at == NOW + WINDOW
    await disk.upload("bob")
    disk.now += WINDOW
    await disk.upload()


async def test_an_hour_has_room_for_so_many_bytes(disk: Disk) -> None:
    await disk.upload(size=MAX_BYTES)
    with pytest.raises(LimitReached):
        await disk.upload(size=1)
    disk.now -= 5 * WINDOW  # the clock was ahead
    await disk.upload(size=1)


async def test_one_at_a_time_for_each(disk: Disk) -> None:
    order = []
    entered = {owner: asyncio.Event() for owner in ("ada", "bob")}

    async def upload(owner: str) -> None:
        async with disk.limits.turn(owner, 1):
            order.append(owner)
            entered[owner].set()
            await entered["bob"].wait()

    own = [asyncio.create_task(upload("ada")) for _ in range(3)]
    await entered["ada"].wait()
    await asyncio.gather(*own, upload("bob"))
    assert order.index("bob") == 1
    assert not disk.limits._turns


async def test_the_oldest_that_nothing_needs_make_room(disk: Disk) -> None:
    for age, name in enumerate("abcde"):
        disk.add(name, FRESH + 10 - age)
    disk.needed = {"a"}
    await disk.upload()
    assert disk.names() == ["a", "d", "e"]


async def test_a_full_folder_refuses_and_keeps_what_is_fresh_or_needed(disk: Disk) -> None:
    for name in "ab":
        disk.add(name, 2 * FRESH)
    for name in "cd":
        disk.add(name, 1)
    disk.needed = {"a", "b"}
    with pytest.raises(StorageError, match="no space for more uploads"):
        await disk.upload()
    assert disk.names() == ["a", "b", "c", "d"]
