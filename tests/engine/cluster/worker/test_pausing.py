"""What pauses a worker."""

from pathlib import Path

import pytest

from engine.cluster.worker.pausing import BUSY_CARD, PauseFile, Pausing


def test_a_worker_pauses_by_command_and_stays_so(tmp_path: Path) -> None:
    file = PauseFile(tmp_path)
    file.set(True)
    assert Pausing(PauseFile(tmp_path), (), lambda: True).reason == "paused"
    file.set(False)
    assert Pausing(file, (), lambda: True).reason is None
    (tmp_path / "paused").mkdir()  # a worker of that name
    assert not file.is_set


def test_a_worker_pauses_while_a_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = ["init", "steam"]
    monkeypatch.setattr("engine.cluster.worker.pausing.running_programs", lambda: running)
    pausing = Pausing(PauseFile(tmp_path), ("Steam.exe",), lambda: True)
    assert pausing._look() == "Steam.exe"
    running.remove("steam")
    assert pausing._look() is None


def test_a_worker_pauses_while_others_keep_the_card_busy(tmp_path: Path) -> None:
    use: int | None = 90
    idle = False
    pausing = Pausing(PauseFile(tmp_path), (BUSY_CARD,), lambda: idle, lambda: use)
    assert [pausing._look() for _ in range(4)] == [None] * 4, "it's its own work"
    idle = True
    assert [pausing._look() for _ in range(2)] == [None, BUSY_CARD]
    use = 30
    assert pausing._look() == BUSY_CARD, "not quite idle"
    use = 0
    assert pausing._look() is None
    use = None
    assert pausing._look() is None
