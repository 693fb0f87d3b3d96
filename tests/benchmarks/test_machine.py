"""What a benchmark runs on."""

import pytest

from benchmarks import machine
from benchmarks.machine import Machine, NoAnswer, here, printed_by
from benchmarks.processes import Ended
from tests.card import Card, plugged_in


def test_a_card_is_described_with_its_memory() -> None:
    with plugged_in(Card(8 * 10**9, capability=(8, 9))):
        found = here("cuda")
    assert (found.device, found.card_bytes) == ("cuda:0", 8 * 10**9)
    assert found.lines[0].startswith("a card that is not there, 8.0 GB, 7.6 GB of it free")
    assert "compute capability 8.9" in found.lines[0]
    assert here("cpu").card_bytes is None


def test_the_last_line_is_the_answer_or_why_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [
        Ended(0, 'noise\n{"device": "cuda", "card_bytes": 8, "lines": ["RTX"]}\n', ""),
        Ended(1, "", "a warning\ntorch found 0 such devices\n"),
        Ended(None, "", ""),
    ]
    monkeypatch.setattr(machine, "run_python", lambda *_: answers.pop(0))
    assert Machine.ask("auto") == Machine("cuda", 8, ["RTX"])
    with pytest.raises(NoAnswer, match="0 such devices"):
        Machine.ask("cuda")
    with pytest.raises(NoAnswer, match="gives no answer"):
        Machine.ask("cuda")


def test_a_program_that_is_not_there_prints_nothing() -> None:
    assert printed_by("no-such-program") == ""
