"""The benchmark of switching, with tiny weights."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.memory_sizes import task_of
from benchmarks.memory_task import Task
from benchmarks.switching import PaintingFailed, drop_from_cache, switch_seconds

from .weights import TINY


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Task]:
    folder = tmp_path_factory.mktemp("weights")
    return [
        task_of(name, TINY[name](folder / name), side=64, steps=1, count=2, device="cpu")
        for name in ("sd15", "flux")
    ]


@pytest.mark.slow
def test_the_shelf_is_faster_than_the_disk(tasks: Sequence[Task]) -> None:
    disk = switch_seconds(tasks, 1, shelf=False)
    shelf = switch_seconds(tasks, 1, shelf=True)

    assert set(disk) == set(shelf) == {"sd15", "flux"}
    assert sum(shelf.values()) < sum(disk.values())


def test_a_model_that_does_not_load_is_told(tasks: Sequence[Task], tmp_path: Path) -> None:
    nowhere = task_of("sd15", tmp_path, side=64, count=2, device="cpu")

    with pytest.raises(PaintingFailed, match="couldn't be loaded"):
        switch_seconds([nowhere, tasks[0]], 1, shelf=True)


def test_files_that_left_the_cache_are_as_they_were(tmp_path: Path) -> None:
    file = tmp_path / "unet" / "model.safetensors"
    file.parent.mkdir()
    file.write_bytes(b"weights" * 1000)

    drop_from_cache(tmp_path)

    assert file.read_bytes() == b"weights" * 1000
