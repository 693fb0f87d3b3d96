"""The benchmark of the queue runs."""

import pytest

from benchmarks import queue_scale


def test_it_tells_what_everything_costs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(queue_scale, "WAITING", (0, 50))
    monkeypatch.setattr(queue_scale, "REPEATS", 3)
    queue_scale.main(devices=2, owners=5)
    *_, empty, full = capsys.readouterr().out.splitlines()
    assert [len(line.split()) for line in (empty, full)] == [9, 9]
    assert (empty.split()[0], full.split()[0]) == ("0", "50")
